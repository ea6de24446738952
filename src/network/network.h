// SPDX-License-Identifier: Apache-2.0
// A network as it lies in a model file: graph, weights, family, and what is known about them. Layer: network.
// formats/model_file.h reads and writes it; model.h compiles it. Plain data; tensors may point into a mapped file.
#pragma once
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "network/graph.h"

namespace limber {

// A weight tensor: bytes, row-major, unpadded, little-endian. `owner` keeps the bytes alive (a mapped file or a
// vector).
struct Tensor {
  std::string name;
  DType dtype = DType::kF32;
  std::vector<int64_t> shape;
  std::span<const std::byte> bytes;
  std::shared_ptr<const void> owner;
};

struct Accuracy {
  double top1 = 0;        // share of right answers, 0..1
  std::string data;       // data set name, "cifar10-jpeg"
  std::string split;      // "test" or "validation"
  std::string data_hash;  // SHA-256 over the images and labels, in order
  int64_t samples = 0;
};

// A sub-network that is kept for run time.
struct Member {
  std::string name;  // "25%", "100%"
  Choice choice;
  std::vector<Accuracy> accuracies;
  // Tensors that replace a node's normalisation statistics for this member: {node name, Norm}. Empty: shared ones. Such
  // a tensor has the super-network's channels, or just this member's.
  std::vector<std::pair<std::string, Norm>> norms;
};

// From bytes to the network's input: x = (pixel / 255 - mean) / deviation per channel, channels as the graph's input
// says.
struct Preprocessing {
  std::vector<float> mean, deviation;  // one per channel
  // Images of another size: 0 resizes both sides to what the member reads. Else ImageNet's protocol, for members that
  // read squares of r pixels: the shorter side is resized to ceil(r / crop) (0.875: 256 for 224), aspect kept, and the
  // centre r x r remains. Both filter as kernels/resize.h does. Legal: 0, or 0.1 to 1.
  double crop = 0;
};

struct Network {
  std::string name;
  Graph graph;
  std::vector<Tensor> tensors;  // names distinct
  std::vector<Member> family;   // ascending cost; at least one
  Preprocessing preprocessing;
  std::vector<std::string> labels;
  std::string training_record;  // JSON text: recipe, seeds, epochs, versions, date; empty if unknown
  std::string hash;             // SHA-256 of the weights, hex; set by the reader
  std::string path;             // where it was read from; empty if made in memory
};

}  // namespace limber
