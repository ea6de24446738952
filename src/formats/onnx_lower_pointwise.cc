// SPDX-License-Identifier: Apache-2.0
// Activations, sums and products. Exporters write hard-swish in many ways: x * clip(x + 3, 0, 6) / 6 in any order,
// HardSigmoid times x, HardSwish. Parts of such a formula wait in the value until it is known what they become.
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "formats/onnx_lowering.h"

namespace limber {
namespace {

bool near(float value, float wanted) {
  return std::abs(value - wanted) <= 1e-4f * std::max(1.0f, std::abs(wanted));
}

bool all(const std::vector<float>& values, float wanted) {
  return std::all_of(values.begin(), values.end(), [&](float value) { return near(value, wanted); });
}

}  // namespace

// The constant's value for each channel; refused when it differs within one.
std::vector<float> OnnxLowering::per_channel(const OnnxTensor& constant, const OnnxValue& value) {
  const auto channels = static_cast<std::size_t>(value.channels);
  if (!constant.floats) refuse("a constant of {}; legal: FLOAT, FLOAT16", constant.type);
  const std::size_t rank = constant.dims.size();
  bool fits = rank <= value.dims.size();
  if (fits && constant.count() == 1) return std::vector<float>(channels, constant.floats->at(0));
  const int64_t axis = value.channel_axis();
  for (std::size_t i = 0; fits && i < rank; ++i) {
    const auto at = static_cast<int64_t>(value.dims.size() - rank + i);
    fits = constant.dims[i] == (at == axis ? value.channels : 1);
  }
  if (!fits) {
    refuse("a constant of [{}] with [{}]; legal: one value, or one for each channel", fmt::join(constant.dims, ", "),
           fmt::join(value.dims, ", "));
  }
  return *constant.floats;
}

OnnxValue OnnxLowering::activated(OnnxValue& x, Activation activation) {
  materialise(x);
  OnnxValue result = emit_like(Op::kActivation, x, current_);
  graph_.nodes.back().activation = activation;
  return result;
}

OnnxValue OnnxLowering::scaled(OnnxValue& x, std::vector<float> scale, std::vector<float> shift) {
  if (x.activation != Activation::kNone && x.scale.empty() && all(shift, 0) && all(scale, scale[0])) {
    OnnxValue result = x;
    result.factor *= scale[0];
    if (near(result.factor, 1)) result.factor = 1;
    return result;
  }
  materialise(x);
  OnnxValue result = x;
  result.scale = std::move(scale);
  result.shift = std::move(shift);
  return result;
}

OnnxValue OnnxLowering::relu(const OnnxNode&, const Inputs& inputs) {
  OnnxValue& x = feature(inputs, 0);
  if (x.scale.empty() || x.activation != Activation::kNone) return activated(x, Activation::kRelu);
  OnnxValue result = x;  // PyTorch may write relu6(x + 3) as a Relu and a Clip
  result.activation = Activation::kRelu;
  return result;
}

OnnxValue OnnxLowering::clip(const OnnxNode& node, const Inputs& inputs) {
  OnnxValue& x = feature(inputs, 0);
  constexpr float kLargest = std::numeric_limits<float>::max();
  const auto bound = [&](std::size_t input, const char* attribute, float otherwise) {
    const OnnxTensor* given = constant(inputs, input);
    if (given == nullptr) return number_of(node, attribute, otherwise);
    if (!given->floats || given->count() != 1) refuse("a bound of [{}]", fmt::join(given->dims, ", "));
    return given->floats->at(0);
  };
  float low = bound(1, "min", -kLargest);
  const float high = bound(2, "max", kLargest);
  if (low <= -kLargest && high >= kLargest) return x;
  const bool positive = x.activation == Activation::kRelu || (x.plain() && never_negative(x));
  if (low < 0 && positive) low = 0;  // PyTorch's relu6 before opset 11: a Relu, and a Clip with one bound
  const bool open = x.activation == Activation::kNone || x.activation == Activation::kRelu;
  if (low == 0 && near(high, 6) && open && !x.scale.empty() && all(x.scale, 1) && all(x.shift, 3)) {
    OnnxValue result = x;
    result.scale.clear(), result.shift.clear();
    result.activation = Activation::kHardSigmoid;
    result.factor = 6;
    return result;
  }
  if (low == 0 && high >= kLargest) return activated(x, Activation::kRelu);
  if (low == 0 && high == 6) return activated(x, Activation::kRelu6);
  refuse("to {} and {}; legal: 0 and 6, 0 and more", low, high);
}

OnnxValue OnnxLowering::hard_swish(const OnnxNode&, const Inputs& inputs) {
  return activated(feature(inputs, 0), Activation::kHardSwish);
}

OnnxValue OnnxLowering::hard_sigmoid(const OnnxNode& node, const Inputs& inputs) {
  OnnxValue& x = feature(inputs, 0);
  const float alpha = number_of(node, "alpha", 0.2f), beta = number_of(node, "beta", 0.5f);
  materialise(x);
  OnnxValue result = x;
  if (!near(alpha, 1.0f / 6) || !near(beta, 0.5f)) {  // clip(alpha x + beta) = hard_sigmoid(6 alpha x + 6 beta - 3)
    const auto channels = static_cast<std::size_t>(x.channels);
    result = scaled(x, std::vector<float>(channels, 6 * alpha), std::vector<float>(channels, 6 * beta - 3));
    materialise(result);
  }
  result.activation = Activation::kHardSigmoid;
  return result;
}

OnnxValue OnnxLowering::softmax(const OnnxNode& node, const Inputs& inputs) {
  OnnxValue& x = feature(inputs, 0);
  make_one_node(x);
  const int64_t axis = axis_of(integer_of(node, "axis", program_.opset < 13 ? 1 : -1), x.dims.size());
  // Up to opset 12 everything from the axis on is one row.
  const bool row = program_.opset < 13 && x.pixel() && axis >= 1 && axis <= x.channel_axis();
  if (!row && (axis != x.channel_axis() || (program_.opset < 13 && !x.pixel())))
    refuse("over axis {} of [{}]; legal: over channels", axis, fmt::join(x.dims, ", "));
  return emit_like(Op::kSoftmax, x, current_);
}

OnnxValue OnnxLowering::multiply(OnnxValue& a, OnnxValue& b) {
  for (const auto& [x, gate] : {std::pair(&a, &b), std::pair(&b, &a)}) {
    if (x->plain() && x->parts == gate->parts && gate->activation == Activation::kHardSigmoid && gate->pads.empty()) {
      OnnxValue result = *gate;
      result.activation = Activation::kHardSwish;
      return result;
    }
  }
  make_one_node(a), make_one_node(b);
  const bool swap = a.pixel() && !b.pixel();
  OnnxValue &image = swap ? b : a, &gate = swap ? a : b;
  const bool same = image.height == gate.height && image.width == gate.width && image.view == gate.view;
  const bool axes = image.pixel()
                        ? image.dims == gate.dims
                        : image.dims.size() == gate.dims.size() && image.channel_axis() == gate.channel_axis();
  if (image.channels != gate.channels || !axes || !(same || gate.pixel()))
    refuse("of [{}] and [{}]", fmt::join(a.dims, ", "), fmt::join(b.dims, ", "));
  OnnxValue result = emit_like(Op::kMultiply, image, current_);
  graph_.nodes.back().inputs.push_back(inputs_of(gate)[0]);
  return result;
}

OnnxValue OnnxLowering::sum(const OnnxNode&, const Inputs& inputs) {
  for (std::size_t i = 0; i < inputs.size(); ++i) make_one_node(feature(inputs, i));
  OnnxValue& first = feature(inputs, 0);
  if (inputs.size() == 1) return first;
  for (const OnnxValue* other : inputs) {
    if (other->dims != first.dims || other->view != first.view)
      refuse("of [{}] and [{}]", fmt::join(first.dims, ", "), fmt::join(other->dims, ", "));
  }
  OnnxValue result = emit_like(Op::kAdd, first, current_);
  for (std::size_t i = 1; i < inputs.size(); ++i) graph_.nodes.back().inputs.push_back(inputs_of(*inputs[i])[0]);
  return result;
}

OnnxValue OnnxLowering::pairwise(const OnnxNode& node, const Inputs& inputs) {
  if (inputs.size() != 2 || inputs[0] == nullptr || inputs[1] == nullptr) refuse("{} inputs; legal: 2", inputs.size());
  const bool first = inputs[0]->is_constant();
  if (!first && !inputs[1]->is_constant()) {
    if (node.type == "Mul") return multiply(*inputs[0], *inputs[1]);
    if (node.type == "Add") return sum(node, inputs);
    refuse("of two computed tensors; legal: Add and Mul");
  }
  OnnxValue& x = feature(inputs, first ? 1 : 0);
  std::vector<float> constant = per_channel(inputs[first ? 0 : 1]->constant, x);
  const auto channels = static_cast<std::size_t>(x.channels);
  if (node.type == "Add") return scaled(x, std::vector<float>(channels, 1), std::move(constant));
  if (node.type == "Mul") return scaled(x, std::move(constant), std::vector<float>(channels, 0));
  if (node.type == "Sub") {
    if (first) return scaled(x, std::vector<float>(channels, -1), std::move(constant));
    for (float& value : constant) value = -value;
    return scaled(x, std::vector<float>(channels, 1), std::move(constant));
  }
  if (first) refuse("of a constant by what is computed");
  for (float& value : constant) {
    if (value == 0) refuse("by 0");
    value = 1 / value;
  }
  return scaled(x, std::move(constant), std::vector<float>(channels, 0));
}

}  // namespace limber
