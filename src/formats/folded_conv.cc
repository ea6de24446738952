// SPDX-License-Identifier: Apache-2.0
#include "formats/folded_conv.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/error.h"
#include "base/half.h"
#include "network/check.h"

namespace limber {
namespace {

std::vector<float> floats(const Network& network, const std::string& name) {
  const Tensor* tensor = find_tensor(network, name);
  if (tensor == nullptr) fail(ErrorCode::kInternal, "no tensor '{}'", name);
  std::vector<float> values;
  const std::byte* bytes = tensor->bytes.data();
  if (tensor->dtype == DType::kF32) {
    values.resize(tensor->bytes.size() / 4);
    std::memcpy(values.data(), bytes, tensor->bytes.size());
  } else if (tensor->dtype == DType::kF16) {
    for (std::size_t i = 0; i + 1 < tensor->bytes.size(); i += 2) {
      uint16_t half;
      std::memcpy(&half, bytes + i, 2);
      values.push_back(half_to_float(half));
    }
  } else {
    fail(ErrorCode::kUnsupported, "tensor '{}' is {}; legal here are F32 and F16", name, dtype_name(tensor->dtype));
  }
  return values;
}

std::vector<float> shrink_kernel(const Network& network, const SubNode& part, std::vector<float> values,
                                 int64_t filters, int64_t* kernel) {
  const Node& node = network.graph.nodes[part.node];
  while (*kernel != part.kernel) {
    const auto& steps = node.transforms;
    const KernelTransform* step = nullptr;
    for (int64_t wanted = part.kernel; wanted != *kernel;) {  // the chain ends at the stored kernel; take its last link
      const auto found =
          std::find_if(steps.begin(), steps.end(), [&](const KernelTransform& s) { return s.to == wanted; });
      if (found == steps.end()) fail(ErrorCode::kInternal, "node '{}': no transform to {}", node.name, wanted);
      step = &*found;
      wanted = found->from;
    }
    const std::vector<float> matrix = floats(network, step->matrix);
    const int64_t to = step->to, skip = (*kernel - to) / 2, area = to * to;
    std::vector<float> small(static_cast<std::size_t>(filters * area));
    for (int64_t f = 0; f < filters; ++f) {
      for (int64_t i = 0; i < area; ++i) {
        float sum = 0;
        for (int64_t j = 0; j < area; ++j) {
          sum += matrix[i * area + j] * values[(f * *kernel + skip + j / to) * *kernel + skip + j % to];
        }
        small[f * area + i] = sum;
      }
    }
    values = std::move(small);
    *kernel = to;
  }
  return values;
}

}  // namespace

FoldedConv fold_conv(const Network& network, const Member& member, const SubNode& part) {
  const Node& what = network.graph.nodes[part.node];
  const Tensor* tensor = find_tensor(network, what.weight);
  int64_t kernel = tensor->shape.size() == 4 ? tensor->shape[2] : 1;
  const int64_t stored_inputs = tensor->shape[1];
  const std::vector<float> all =
      shrink_kernel(network, part, floats(network, what.weight), tensor->shape[0] * stored_inputs, &kernel);
  FoldedConv result;
  result.outputs = part.channels;
  result.kernel = kernel;
  result.inputs = part.input_channels() / part.groups;
  const Norm* norm = what.norm ? &*what.norm : nullptr;
  for (const auto& [name, own] : member.norms) {
    if (name == what.name) norm = &own;
  }
  std::vector<float> scale, shift, mean, variance, bias;
  if (norm != nullptr) {
    scale = floats(network, norm->weight), shift = floats(network, norm->bias);
    mean = floats(network, norm->mean), variance = floats(network, norm->variance);
  }
  if (!what.bias.empty()) bias = floats(network, what.bias);
  const auto at = [&](const std::vector<float>& values, int64_t o) {  // of all channels, or of just this member's
    return values[static_cast<std::size_t>(
        static_cast<int64_t>(values.size()) == part.channels ? o : part.channels_from + o)];
  };
  const int64_t area = kernel * kernel;
  for (int64_t o = 0; o < part.channels; ++o) {
    const float factor = norm == nullptr ? 1 : at(scale, o) / std::sqrt(at(variance, o) + norm->epsilon);
    const float own_bias = bias.empty() ? 0 : at(bias, o);
    result.bias.push_back(norm == nullptr ? own_bias : (own_bias - at(mean, o)) * factor + at(shift, o));
    const auto copy = [&](int64_t row, int64_t from, int64_t count) {
      const float* source = all.data() + (row * stored_inputs + from) * area;
      for (int64_t i = 0; i < count * area; ++i) result.weight.push_back(source[i] * factor);
    };
    if (part.groups > 1) {
      copy(part.channels_from + o, 0, result.inputs);
      continue;
    }
    for (const Range& range : part.inputs) copy(part.channels_from + o, range.weight_from, range.count);
  }
  return result;
}

}  // namespace limber
