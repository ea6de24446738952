// SPDX-License-Identifier: Apache-2.0
#include "network/check_tensors.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <unordered_set>

#include "network/limits.h"

namespace limber {

TensorCheck::TensorCheck(const Network& network) : network_(network) {
  for (const Tensor& tensor : network.tensors) {
    check_name(tensor.name, "a tensor");
    if (!index_.emplace(tensor.name, &tensor).second) bad("tensor '{}': the name is used twice", tensor.name);
    check_tensor(tensor);
  }
}

void TensorCheck::check_nodes() const {
  for (const Node& node : network_.graph.nodes) {
    if (node.op != Op::kConv2d && node.op != Op::kLinear) continue;
    const Tensor& weight = find(node, node.weight);
    const std::size_t rank = node.op == Op::kConv2d ? 4 : 2;
    if (weight.shape.size() != rank || (rank == 4 && weight.shape[2] != weight.shape[3])) {
      bad("node '{}': weight '{}' has shape [{}]; legal: {}", node.name, weight.name, fmt::join(weight.shape, ", "),
          rank == 4 ? "[output][input / groups][kernel][kernel]" : "[output][input]");
    }
    if (node.depthwise && weight.shape[1] != 1) {
      bad("node '{}': weight '{}' of a depthwise convolution has shape [{}]; legal: [channels][1][kernel][kernel]",
          node.name, weight.name, fmt::join(weight.shape, ", "));
    }
    if (rank == 4 && weight.shape[2] > limits::kKernel) {
      bad("node '{}': a kernel of {}; legal: 1 to {}", node.name, weight.shape[2], limits::kKernel);
    }
    const int64_t channels = weight.shape[0];
    if (!node.bias.empty()) check_vector(node, node.bias, {channels});
    if (node.norm) check_norm(node, *node.norm, {channels});
    for (const KernelTransform& transform : node.transforms) {
      const Tensor& matrix = find(node, transform.matrix);
      const int64_t taps = transform.to * transform.to;
      if (matrix.shape != std::vector<int64_t>{taps, taps}) {
        bad("node '{}': matrix '{}' has shape [{}]; legal: [{}, {}]", node.name, matrix.name,
            fmt::join(matrix.shape, ", "), taps, taps);
      }
      require_float(node, matrix);
    }
    require_float(node, weight);
  }
}

void TensorCheck::check_member(const Member& member) const {
  const SubNetwork sub = resolve(network_.graph, member.choice);
  check_sub_network(sub);
  std::unordered_map<std::string, int> by_name;
  if (!member.norms.empty()) {
    for (std::size_t i = 0; i < network_.graph.nodes.size(); ++i)
      by_name.emplace(network_.graph.nodes[i].name, static_cast<int>(i));
  }
  std::unordered_set<std::string> seen;
  for (const auto& [name, norm] : member.norms) {
    const auto found = by_name.find(name);
    if (found == by_name.end())
      bad("member '{}': statistics for node '{}', which the graph does not have", member.name, name);
    if (!seen.insert(name).second) bad("member '{}': statistics for node '{}' twice", member.name, name);
    const Node& node = network_.graph.nodes[static_cast<std::size_t>(found->second)];
    if (!node.norm) bad("member '{}': statistics for node '{}', which has no norm", member.name, name);
    const int position = sub.position[static_cast<std::size_t>(found->second)];
    if (position < 0) bad("member '{}': statistics for node '{}', which is not part of it", member.name, name);
    const int64_t all = find(node, node.weight).shape[0];
    check_norm(node, norm, {all, sub.nodes[static_cast<std::size_t>(position)].channels});
  }
}

void TensorCheck::check_sub_network(const SubNetwork& sub) const {
  for (const SubNode& part : sub.nodes) {
    const Node& node = network_.graph.nodes[static_cast<std::size_t>(part.node)];
    if (node.op != Op::kConv2d && node.op != Op::kLinear) continue;
    const Tensor& weight = find(node, node.weight);
    if (part.channels_from + part.channels > weight.shape[0]) {
      refuse(node, sub, "output channels {} to {} of weight '{}', which has {}", part.channels_from,
             part.channels_from + part.channels, weight.name, weight.shape[0]);
    }
    if (node.op == Op::kConv2d) check_kernel(node, sub, part.kernel, weight.shape[2]);
    if (node.depthwise) {
      if (part.inputs.front().weight_from != 0)
        refuse(node, sub, "weight_from in a depthwise convolution; use channels_from");
      continue;
    }
    if (part.groups > 1) {
      const int64_t each = part.input_channels() / part.groups;
      if (each != weight.shape[1]) {
        refuse(node, sub, "{} input channels a group, weight '{}' has {}", each, weight.name, weight.shape[1]);
      }
      for (const Range& range : part.inputs) {
        if (range.weight_from != 0)
          refuse(node, sub, "weight_from {} in a grouped convolution; legal: 0", range.weight_from);
      }
      continue;
    }
    for (const Range& range : part.inputs) {
      if (range.weight_from + range.count > weight.shape[1]) {
        refuse(node, sub, "input channels {} to {} of weight '{}', which has {}", range.weight_from,
               range.weight_from + range.count, weight.name, weight.shape[1]);
      }
    }
  }
}

void TensorCheck::check_tensor(const Tensor& tensor) const {
  if (tensor.dtype < DType::kF32 || tensor.dtype > DType::kI8) bad("tensor '{}': unknown dtype", tensor.name);
  const int64_t size = tensor.dtype == DType::kF32 ? 4 : tensor.dtype == DType::kF16 ? 2 : 1;
  if (tensor.shape.empty() || tensor.shape.size() > 4) {
    bad("tensor '{}' has {} dimensions; legal: 1 to 4", tensor.name, tensor.shape.size());
  }
  int64_t bytes = size;
  for (int64_t extent : tensor.shape) {
    if (extent < 1 || extent > limits::kChannels || bytes > limits::kWeightBytes / extent) {
      bad("tensor '{}' has shape [{}]; legal: 1 to {} each and up to {} bytes", tensor.name,
          fmt::join(tensor.shape, ", "), limits::kChannels, limits::kWeightBytes);
    }
    bytes *= extent;
  }
  if (static_cast<uint64_t>(bytes) != tensor.bytes.size()) {
    bad("tensor '{}' of shape [{}] has {} bytes; legal: {}", tensor.name, fmt::join(tensor.shape, ", "),
        tensor.bytes.size(), bytes);
  }
}

const Tensor& TensorCheck::find(const Node& node, const std::string& name) const {
  const auto found = index_.find(name);
  if (found == index_.end()) bad("node '{}': there is no tensor '{}'", node.name, name);
  return *found->second;
}

void TensorCheck::require_float(const Node& node, const Tensor& tensor) const {
  if (tensor.dtype == DType::kI8) {
    fail(ErrorCode::kUnsupported, "node '{}': tensor '{}' is I8; this version runs F32 and F16 weights", node.name,
         tensor.name);
  }
}

void TensorCheck::check_vector(const Node& node, const std::string& name, std::initializer_list<int64_t> legal) const {
  const Tensor& tensor = find(node, name);
  const bool fits = tensor.shape.size() == 1 && std::find(legal.begin(), legal.end(), tensor.shape[0]) != legal.end();
  if (!fits) {
    bad("node '{}': tensor '{}' has shape [{}]; legal: [{}]", node.name, name, fmt::join(tensor.shape, ", "),
        fmt::join(legal, "] or ["));
  }
  require_float(node, tensor);
}

void TensorCheck::check_norm(const Node& node, const Norm& norm, std::initializer_list<int64_t> legal) const {
  for (const std::string* name : {&norm.weight, &norm.bias, &norm.mean, &norm.variance})
    check_vector(node, *name, legal);
  if (!std::isfinite(norm.epsilon) || norm.epsilon < 0 || norm.epsilon > 1) {
    bad("node '{}': the norm's epsilon is {}; legal: 0 to 1", node.name, norm.epsilon);
  }
}

void TensorCheck::check_kernel(const Node& node, const SubNetwork& sub, int64_t wanted, int64_t stored) const {
  // From the wanted size up to the stored one; each transform ends at a different size, so this ends.
  for (int64_t kernel = wanted; kernel != stored;) {
    const auto found = std::find_if(node.transforms.begin(), node.transforms.end(),
                                    [&](const KernelTransform& transform) { return transform.to == kernel; });
    if (found == node.transforms.end()) {
      refuse(node, sub, "a kernel of {}, but weight '{}' has {} and no transform makes it", wanted, node.weight,
             stored);
    }
    kernel = found->from;  // larger than before
  }
}

}  // namespace limber
