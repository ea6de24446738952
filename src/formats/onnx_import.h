// SPDX-License-Identifier: Apache-2.0
// ONNX models as a network. Layer: formats; an optional component (LIMBER_ONNX).
//
// One file becomes a family of one member. Several become a family that shares nothing: the design space has one
// dimension, "model", and each file is the sub-network of one choice of it. That is how models are switched without a
// super-network, and so the fair baseline of one. Goals: what runs here is as fast as a graph made by hand (fuse.h); a
// file is either imported with the same values or refused with every reason. Non-goals: operators of other than image
// classifiers; training.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "network/network.h"

namespace limber {

struct OnnxImportOptions {
  std::string name;            // of the network; empty: of the first file, without folder and ending
  std::vector<int64_t> shape;  // channels, height, width of the image, where a file leaves them open
};

struct OnnxImport {
  Network network;                 // has passed check(); tensors own their memory
  std::vector<std::string> notes;  // what was taken for granted, one sentence each
};

// Members are named after their files and ordered by their work; all read the same number of channels and answer with
// the same number of values. Preprocessing is what the files' metadata say (as export_onnx() writes it), else mean 0
// and deviation 1. Nothing in a file is trusted, memory is bounded by a few times its size. Fails with kBadFile, or
// kUnsupported listing every node that cannot be imported.
OnnxImport import_onnx(const std::vector<std::string>& paths, const OnnxImportOptions& options = {});

// The same from memory, without files beside it.
OnnxImport import_onnx(std::span<const std::byte> bytes, const std::string& where,
                       const OnnxImportOptions& options = {});

}  // namespace limber
