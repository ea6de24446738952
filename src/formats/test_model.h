// SPDX-License-Identifier: Apache-2.0
// A tiny network of two nested channel groups with a known seed, for tests. Layer: formats (tests only).
#pragma once
#include <cstring>

#include "base/half.h"
#include "formats/graph_json.h"
#include "network/network.h"

namespace limber {

inline void add_tensor(Network* network, const std::string& name, std::vector<int64_t> shape, DType dtype, float low,
                       float high) {
  static uint32_t state = 1;
  int64_t count = 1;
  for (const int64_t extent : shape) count *= extent;
  auto bytes =
      std::make_shared<std::vector<std::byte>>(static_cast<std::size_t>(count) * (dtype == DType::kF32 ? 4 : 2));
  for (int64_t i = 0; i < count; ++i) {
    state = state * 1664525u + 1013904223u;
    const float value = low + (high - low) * static_cast<float>(state >> 8) / 16777216.0f;
    const uint16_t half = float_to_half(value);
    if (dtype == DType::kF32) std::memcpy(bytes->data() + 4 * i, &value, 4);
    if (dtype == DType::kF16) std::memcpy(bytes->data() + 2 * i, &half, 2);
  }
  Tensor tensor{name, dtype, std::move(shape), {}, nullptr};
  tensor.bytes = *bytes;
  tensor.owner = bytes;
  network->tensors.push_back(std::move(tensor));
}

inline Network tiny_model(DType dtype = DType::kF16) {
  Network network;
  network.name = "tiny";
  network.graph = parse_graph(R"({"format": "limber-graph", "version": 1, "name": "tiny",
    "space": {"dimensions": [{"name": "groups", "choices": [1, 2]}]},
    "nodes": [
      {"name": "image", "op": "input", "channels": 3, "height": 8, "width": 8},
      {"name": "conv0.g0", "op": "conv2d", "inputs": ["image"], "channels": 4, "kernel": 3, "padding": 1, "weight": "a.weight",
       "norm": {"weight": "a.scale", "bias": "a.shift", "mean": "a.mean", "variance": "a.variance"}, "activation": "relu"},
      {"name": "conv0.g1", "op": "conv2d", "inputs": ["image"], "when": [{"dimension": "groups", "choices": [2]}],
       "channels": 4, "kernel": 3, "padding": 1, "weight": "b.weight", "bias": "b.bias", "activation": "hard_swish"},
      {"name": "pool.g0", "op": "global_average_pool", "inputs": ["conv0.g0"]},
      {"name": "pool.g1", "op": "global_average_pool", "inputs": ["conv0.g1"], "when": [{"dimension": "groups", "choices": [2]}]},
      {"name": "logits", "op": "linear", "inputs": ["pool.g0", {"node": "pool.g1", "weight_from": 4}], "channels": 5,
       "weight": "logits.weight", "bias": "logits.bias"},
      {"name": "probabilities", "op": "softmax", "inputs": ["logits"]}]})",
                              "tiny graph");
  add_tensor(&network, "a.weight", {4, 3, 3, 3}, dtype, -0.5f, 0.5f);
  for (const char* name : {"a.scale", "a.shift", "a.mean"}) add_tensor(&network, name, {4}, DType::kF32, -1, 1);
  add_tensor(&network, "a.variance", {4}, DType::kF32, 0.5f, 1.5f);
  add_tensor(&network, "b.weight", {4, 3, 3, 3}, dtype, -0.5f, 0.5f);
  add_tensor(&network, "b.bias", {4}, dtype, -1, 1);
  add_tensor(&network, "logits.weight", {5, 8}, dtype, -1, 1);
  add_tensor(&network, "logits.bias", {5}, dtype, -1, 1);
  network.family = {{"50%", {1}, {{0.5, "shapes", "test", "00ff", 2000}}, {}}, {"100%", {2}, {}, {}}};
  network.family[1].norms.emplace_back("conv0.g0", *network.graph.nodes[1].norm);
  network.preprocessing = {{0.5f, 0.25f, 0.125f}, {0.2f, 0.3f, 0.4f}};
  network.labels = {"a", "b", "c", "d", "e"};
  network.training_record = R"({"seed": 7})";
  return network;
}

}  // namespace limber
