// SPDX-License-Identifier: Apache-2.0
// Makes networks node by node, with seeded weights, for tests. Layer: network (tests only).
#pragma once
#include <cmath>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "network/network.h"

namespace limber::toy {

inline Tensor tensor(const std::string& name, std::vector<int64_t> shape, const std::vector<float>& values) {
  auto bytes = std::make_shared<std::vector<std::byte>>(values.size() * 4);
  std::memcpy(bytes->data(), values.data(), bytes->size());
  Tensor result;
  result.name = name;
  result.shape = std::move(shape);
  result.bytes = *bytes;
  result.owner = bytes;
  return result;
}

// Builds networks with seeded weights.
class Builder {
 public:
  explicit Builder(const std::string& name, unsigned seed = 1) : random_(seed) {
    network.name = network.graph.name = name;
  }

  std::string random_tensor(const std::string& name, std::vector<int64_t> shape, float low = -1, float high = 1) {
    int64_t count = 1;
    for (int64_t extent : shape) count *= extent;
    std::uniform_real_distribution<float> distribution(low, high);
    std::vector<float> values(static_cast<std::size_t>(count));
    for (float& value : values) value = distribution(random_);
    network.tensors.push_back(tensor(name, std::move(shape), values));
    return name;
  }
  Norm norm(const std::string& name, int64_t channels) {
    return {random_tensor(name + ".weight", {channels}, 0.5f, 1.5f), random_tensor(name + ".bias", {channels}),
            random_tensor(name + ".mean", {channels}), random_tensor(name + ".variance", {channels}, 0.5f, 2.0f),
            1e-5f};
  }
  int add(Node node) {
    network.graph.nodes.push_back(std::move(node));
    return static_cast<int>(network.graph.nodes.size()) - 1;
  }
  int input(int64_t channels, Extent height, int64_t width) {
    Node node;
    node.name = "input";
    node.channels = channels;
    node.height = std::move(height);
    node.width = width;
    return add(node);
  }
  static Input from(int node, Extent first = 0, Extent count = -1, Extent weight_from = 0) {
    return {node, std::move(first), std::move(count), std::move(weight_from)};
  }
  Node conv(const std::string& name, std::vector<Input> inputs, Extent channels, std::vector<int64_t> weight,
            int64_t stride = 1, Activation activation = Activation::kRelu) {
    Node node;
    node.name = name;
    node.op = weight.size() == 4 ? Op::kConv2d : Op::kLinear;
    node.inputs = std::move(inputs);
    node.channels = std::move(channels);
    node.stride = stride;
    node.activation = activation;
    if (node.op == Op::kConv2d) {
      node.kernel = weight[2];
      node.padding = -1;
    }
    float fan = 1;
    for (std::size_t i = 1; i < weight.size(); ++i) fan *= static_cast<float>(weight[i]);
    const float bound = std::sqrt(3.0f / fan);
    node.weight = random_tensor(name + ".weight", std::move(weight), -bound, bound);
    return node;
  }
  static Node plain(const std::string& name, Op op, std::vector<Input> inputs) {
    Node node;
    node.name = name;
    node.op = op;
    node.inputs = std::move(inputs);
    return node;
  }
  void member(const std::string& name, Choice choice) {
    Member result;
    result.name = name;
    result.choice = std::move(choice);
    network.family.push_back(result);
  }

  Network network;

 private:
  std::mt19937 random_;
};

// One value per choice of one dimension.
inline Extent table(int dimension, const std::vector<std::pair<int64_t, int64_t>>& values) {
  Extent extent;
  extent.by = {dimension};
  for (const auto& [choice, value] : values) extent.table[{choice}] = value;
  return extent;
}

}  // namespace limber::toy
