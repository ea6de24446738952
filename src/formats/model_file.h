// SPDX-License-Identifier: Apache-2.0
// The model file: one .safetensors with the weights once, and everything else about the network in its metadata.
// Layer: formats.
//
// Metadata, all texts: format "limber-model", version "1", name, graph (JSON of networks/README.md), family (JSON:
// [{name, choice: {dimension: value}, accuracies: [{top1, data, split, data_hash, samples}], norms: [{node, weight,
// bias, mean, variance, epsilon}]}]), preprocessing ({mean, deviation, crop; crop is
// optional}), labels ([text]), training_record (any text),
// hash (SHA-256 over name, dtype, shape and bytes of every tensor, by name), checksum (SHA-256 over all other
// metadata). Goals: any safetensors reader can look inside; a changed bit is noticed. Rejected: a container of our own;
// weights in protobuf (copies, 2 GB limit); a second file beside the weights (they get separated).
#pragma once
#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "network/network.h"

namespace limber {

enum class Checksums { kVerify, kIgnore };  // kIgnore: for tools that look at damaged files, and for fuzzing

// Tensors are views of the mapped file. The result has passed check(Network). Fails with kBadFile (or kNotFound, kIo)
// naming the file, the place, what was found and what is legal.
Network read_model(const std::string& path);
Network parse_model(std::span<const std::byte> bytes, std::shared_ptr<const void> owner, const std::string& where,
                    Checksums checksums = Checksums::kVerify);

// Whole or not at all. Checks the network first; computes the hashes (Network::hash is not used).
void write_model(const Network& network, const std::string& path);

// The hash a model file with these tensors has.
std::string weight_hash(const std::vector<Tensor>& tensors);

}  // namespace limber
