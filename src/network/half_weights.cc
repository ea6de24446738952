// SPDX-License-Identifier: Apache-2.0
#include "network/half_weights.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/error.h"
#include "base/half.h"

namespace limber {
namespace {

int64_t pixels(const Graph& graph, const SubNode& part) {
  const Resolved& rows = part.height;
  return part.width *
         (rows.symbol < 0 ? rows.constant : rows.at(graph.symbols[static_cast<std::size_t>(rows.symbol)].maximum));
}

std::set<std::string> weight_names(const Graph& graph) {
  std::set<std::string> names;
  for (const Node& node : graph.nodes) {
    if (node.op == Op::kConv2d || node.op == Op::kLinear) names.insert(node.weight);
  }
  return names;
}

// What the kernels for half precision can do: see Conv2dArgs.
bool fits(const Graph& graph, const Node& node, const SubNode& part) {
  return !node.depthwise && node.stride == 1 && node.transforms.empty() &&
         std::none_of(
             node.inputs.begin(), node.inputs.end(),
             [&](const Input& input) { return graph.nodes[static_cast<std::size_t>(input.node)].op == Op::kInput; }) &&
         pixels(graph, part) == 1;
}

}  // namespace

std::string weight_formats(const Network& network) {
  const std::set<std::string> weights = weight_names(network.graph);
  bool half = false, whole = false;
  for (const Tensor& tensor : network.tensors) {
    if (weights.count(tensor.name) == 0) continue;
    half = half || tensor.dtype == DType::kF16;
    whole = whole || tensor.dtype == DType::kF32;
  }
  return half && whole ? "f16 and f32" : half ? "f16" : "f32";
}

std::set<std::string> half_weights(const Network& network, const std::vector<SubNetwork>& subs) {
  std::set<std::string> names;
  for (const Tensor& tensor : network.tensors) {
    if (tensor.dtype == DType::kF16) names.insert(tensor.name);
  }
  for (const SubNetwork& sub : subs) {
    for (const SubNode& part : sub.nodes) {
      const Node& node = network.graph.nodes[static_cast<std::size_t>(part.node)];
      if (names.count(node.weight) > 0 && !fits(network.graph, node, part)) names.erase(node.weight);
    }
  }
  return names;
}

void store_as_half(Network* network) {
  const std::set<std::string> weights = weight_names(network->graph);
  std::vector<Tensor> tensors = network->tensors;
  for (Tensor& tensor : tensors) {
    if (tensor.dtype != DType::kF32 || weights.count(tensor.name) == 0) continue;
    auto halves = std::make_shared<std::vector<uint16_t>>(tensor.bytes.size() / 4);
    for (std::size_t i = 0; i < halves->size(); ++i) {
      float value;
      std::memcpy(&value, tensor.bytes.data() + 4 * i, 4);
      (*halves)[i] = float_to_half(value);
      if (!std::isfinite(half_to_float((*halves)[i])))
        fail(ErrorCode::kUnsupported, "tensor '{}': {} is too large for F16 (65504 at most); keep its weights in fp32",
             tensor.name, value);
    }
    tensor.dtype = DType::kF16;
    tensor.bytes = std::as_bytes(std::span(*halves));
    tensor.owner = halves;
  }
  network->tensors = std::move(tensors);
}

}  // namespace limber
