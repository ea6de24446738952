// SPDX-License-Identifier: Apache-2.0
// What only says how channels, rows and columns are laid out, and borders: nothing of it runs.
#include <fmt/ranges.h>

#include <algorithm>
#include <limits>

#include "formats/onnx_lowering.h"
#include "network/limits.h"

namespace limber {

OnnxValue OnnxLowering::same(const OnnxNode& node, const Inputs& inputs) {
  OnnxValue& x = feature(inputs, 0);
  const int64_t to = node.type == "Cast" ? integer_of(node, "to", 0) : 1;
  if (to != 1 && to != 10 && to != 11) refuse("to type {}; legal: FLOAT, FLOAT16, DOUBLE", to);
  if (constant(inputs, 2) != nullptr && constant(inputs, 2)->integers && constant(inputs, 2)->count() == 1 &&
      constant(inputs, 2)->integers->at(0) != 0) {
    refuse("in training mode");
  }
  return x;
}

OnnxValue OnnxLowering::shape_of(const OnnxNode& node, const Inputs& inputs) {
  const std::vector<int64_t>& dims = feature(inputs, 0).dims;
  if (!feature(inputs, 0).pads.empty()) refuse("of a Pad");
  const auto [first, last] =
      slice_of(integer_of(node, "start", 0), integer_of(node, "end", INT64_MAX), static_cast<int64_t>(dims.size()));
  std::vector<int64_t> part;
  if (first < last) part.assign(dims.begin() + first, dims.begin() + last);
  OnnxValue result;
  const auto count = static_cast<int64_t>(part.size());
  result.constant = onnx_integers({count}, std::move(part));
  return result;
}

// The same numbers as tensor of `dims`, which has as many.
OnnxValue OnnxLowering::viewed(const OnnxValue& value, std::vector<int64_t> dims) {
  OnnxValue result = value;
  const auto batch = dims.empty() ? 0 : dims[0];
  if (dims == value.dims) return result;
  if (value.pixel()) {
    const auto more = std::count_if(dims.begin(), dims.end(), [](int64_t extent) { return extent != 1; });
    if (batch == 1 && dims.size() >= 2 && more <= 1) {
      result.view = OnnxView::kFlat;
      if (dims.size() == 4 && dims[1] == value.channels) result.view = OnnxView::kFirst;
      if (dims.size() == 4 && dims[3] == value.channels && value.channels > 1) result.view = OnnxView::kLast;
      result.dims = std::move(dims);
      return result;
    }
  } else if (batch == 1 && dims.size() == 2) {
    if (value.view == OnnxView::kFirst) result.view = OnnxView::kFlat;
    if (value.view == OnnxView::kLast) result.view = OnnxView::kFlatLast;
    result.dims = std::move(dims);
    return result;
  } else if (value.view == OnnxView::kFlat &&
             dims == std::vector<int64_t>{1, value.channels, value.height, value.width}) {
    result.view = OnnxView::kFirst;
    result.dims = std::move(dims);
    return result;
  }
  refuse("of [{}] to [{}]; legal: what only flattens an image, or adds and removes axes of 1",
         fmt::join(value.dims, ", "), fmt::join(dims, ", "));
}

OnnxValue OnnxLowering::reshape(const OnnxNode& node, const Inputs& inputs) {
  OnnxValue& x = feature(inputs, 0);
  if (!x.pads.empty()) refuse("of a Pad");
  std::vector<int64_t> dims;
  if (node.type == "Reshape") {
    const OnnxTensor* wanted = constant(inputs, 1);
    if (wanted == nullptr || !wanted->integers) refuse("to a shape that is no constant");
    dims = reshaped(x.dims, *wanted->integers, integer_of(node, "allowzero", 0) != 0);
  } else if (node.type == "Flatten") {
    int64_t axis = integer_of(node, "axis", 1);
    if (axis != static_cast<int64_t>(x.dims.size())) axis = axis_of(axis, x.dims.size());
    dims = {1, 1};
    for (std::size_t i = 0; i < x.dims.size(); ++i) dims[static_cast<int64_t>(i) < axis ? 0 : 1] *= x.dims[i];
  } else {
    const std::vector<int64_t> axes = OnnxFolder::axes(node, constant(inputs, 1));
    dims = node.type == "Squeeze" ? squeezed(x.dims, axes) : unsqueezed(x.dims, axes);
  }
  const bool per_channel = !x.scale.empty();
  if (per_channel) materialise(x);
  return viewed(x, std::move(dims));
}

OnnxValue OnnxLowering::transpose(const OnnxNode& node, const Inputs& inputs) {
  OnnxValue& x = feature(inputs, 0);
  if (!x.pads.empty()) refuse("of a Pad");
  const std::vector<int64_t> order = integers_of(node, "perm");
  std::vector<int64_t> dims, sorted = order;
  std::sort(sorted.begin(), sorted.end());
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    if (sorted[i] != static_cast<int64_t>(i) || sorted.size() != x.dims.size())
      refuse("order [{}] of [{}]", fmt::join(order, ", "), fmt::join(x.dims, ", "));
  }
  for (const int64_t axis : order) dims.push_back(x.dims[static_cast<std::size_t>(axis)]);
  if (x.pixel()) return viewed(x, dims.empty() ? x.dims : dims);
  OnnxValue result = x;
  result.dims = dims;
  if (x.view == OnnxView::kFirst && order == std::vector<int64_t>{0, 2, 3, 1}) {
    result.view = OnnxView::kLast;
    return result;
  }
  if (x.view == OnnxView::kLast && order == std::vector<int64_t>{0, 3, 1, 2}) {
    result.view = OnnxView::kFirst;
    return result;
  }
  refuse("order [{}] of [{}]; legal: between channels first and last", fmt::join(order, ", "), fmt::join(x.dims, ", "));
}

OnnxValue OnnxLowering::concat(const OnnxNode& node, const Inputs& inputs) {
  for (std::size_t i = 0; i < inputs.size(); ++i) materialise(feature(inputs, i));
  OnnxValue result = feature(inputs, 0);
  const int64_t axis = axis_of(integer_of(node, "axis", 1), result.dims.size());
  const auto at = static_cast<std::size_t>(axis);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const OnnxValue& part = *inputs[i];
    const bool flat = part.view == OnnxView::kFlat && axis == 1;  // images one after another, too
    std::vector<int64_t> dims = part.dims;
    if (dims.size() == result.dims.size()) dims[at] = result.dims[at];
    const bool same = part.height == result.height && part.width == result.width && dims == result.dims;
    // [1, 1, 1, 1]: which axis counts channels shows in the others
    if (!same || part.view != result.view || !(part.channel_axis() == axis || part.channels == 1 || flat))
      refuse("of [{}] and [{}] along axis {}; legal: channels", fmt::join(inputs[0]->dims, ", "),
             fmt::join(part.dims, ", "), axis);
    if (i == 0) continue;
    result.channels += part.channels;
    result.dims[at] += part.dims[at];
    if (result.channels > limits::kChannels ||
        result.parts.size() + part.parts.size() > static_cast<std::size_t>(limits::kInputs))
      refuse("of more than {} parts or {} channels", limits::kInputs, limits::kChannels);
    result.parts.insert(result.parts.end(), part.parts.begin(), part.parts.end());
  }
  return result;
}

OnnxValue OnnxLowering::slice(const OnnxNode& node, const Inputs& inputs) {
  OnnxValue& x = feature(inputs, 0);
  materialise(x);
  const auto part = [&](std::size_t input, const char* attribute) {
    const OnnxTensor* given = constant(inputs, input);
    if (given != nullptr && !given->integers) refuse("{} are no whole numbers", attribute);
    return given == nullptr ? integers_of(node, attribute) : *given->integers;
  };
  const std::vector<int64_t> starts = part(1, "starts"), ends = part(2, "ends"), steps = part(4, "steps");
  std::vector<int64_t> axes = part(3, "axes");
  for (std::size_t i = axes.size(); i < starts.size() && axes.size() == i; ++i) axes.push_back(static_cast<int64_t>(i));
  if (ends.size() != starts.size() || axes.size() != starts.size() || (!steps.empty() && steps.size() != starts.size()))
    refuse("{} starts, {} ends, {} axes", starts.size(), ends.size(), axes.size());
  OnnxValue result = x;
  for (std::size_t i = 0; i < starts.size(); ++i) {
    const auto axis = static_cast<std::size_t>(axis_of(axes[i], result.dims.size()));
    const auto [first, last] = slice_of(starts[i], ends[i], result.dims[axis]);
    if ((!steps.empty() && steps[i] != 1) || first >= last) refuse("with a step, or of nothing");
    if (first == 0 && last == result.dims[axis]) continue;
    if (static_cast<int64_t>(axis) != result.channel_axis())
      refuse("along axis {} of [{}]; legal: channels", axis, fmt::join(result.dims, ", "));
    std::vector<OnnxPart> kept;
    int64_t at = 0;
    for (const OnnxPart& whole : result.parts) {
      const int64_t begin = std::max(first, at), end = std::min(last, at + whole.count);
      if (begin < end) kept.push_back({whole.node, whole.from + begin - at, end - begin});
      at += whole.count;
    }
    result.parts = std::move(kept);
    result.channels = result.dims[axis] = last - first;
  }
  return result;
}

OnnxValue OnnxLowering::pad(const OnnxNode& node, const Inputs& inputs) {
  OnnxValue& x = feature(inputs, 0);
  materialise(x);
  if (text_of(node, "mode", "constant") != "constant") refuse("mode {}; legal: constant", text_of(node, "mode", ""));
  const OnnxTensor* given = constant(inputs, 1);
  const std::vector<int64_t> pads = given != nullptr && given->integers ? *given->integers : integers_of(node, "pads");
  if (constant(inputs, 3) != nullptr) refuse("with axes");
  const std::size_t rank = x.dims.size();
  if (pads.size() != 2 * rank) refuse("{} numbers for {} dimensions", pads.size(), rank);
  if (std::any_of(pads.begin(), pads.end(), [](int64_t count) { return count < 0 || count > limits::kKernel; }))
    refuse("of [{}]; legal: 0 to {} each", fmt::join(pads, ", "), limits::kKernel);
  if (std::all_of(pads.begin(), pads.end(), [](int64_t count) { return count == 0; })) return x;
  if (x.view != OnnxView::kFirst || rank != 4 || pads[0] + pads[1] + pads[4] + pads[5] != 0)
    refuse("of [{}] by [{}]; legal: rows and columns", fmt::join(x.dims, ", "), fmt::join(pads, ", "));
  OnnxValue result = x;
  result.pads = {pads[2], pads[3], pads[6], pads[7]};
  result.pad_value = number_of(node, "value", 0);
  if (const OnnxTensor* value = constant(inputs, 2)) {
    if (!value->floats || value->count() != 1) refuse("with no value of FLOAT");
    result.pad_value = value->floats->at(0);
  }
  return result;
}

}  // namespace limber
