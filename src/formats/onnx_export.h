// SPDX-License-Identifier: Apache-2.0
// One member as an ONNX model (opset 14). Layer: formats; an optional component (LIMBER_ONNX).
#pragma once
#include <string>

#include "network/network.h"

namespace limber {

// How channel groups are written. kMerged, the fastest for others: convolutions that read the same tensor become one,
// those that each read their own group become one grouped convolution. kSeparate: one convolution for each node, as
// Limber runs.
enum class OnnxForm { kMerged, kSeparate };

// Norms are folded into fp32 weights. Input "input" float [1][channels][height][width], already normalised (mean and
// deviation are in the metadata); output "output" float [1][classes]. The result has passed onnx::checker. The network
// must have passed check(). Fails with kUnsupported on attention and run-time symbols, kInvalidArgument on an unknown
// member. Returns the serialised ModelProto.
std::string export_onnx(const Network& network, const std::string& member, OnnxForm form = OnnxForm::kMerged);

// The same into a file, whole or not at all.
void write_onnx(const Network& network, const std::string& member, const std::string& path,
                OnnxForm form = OnnxForm::kMerged);

}  // namespace limber
