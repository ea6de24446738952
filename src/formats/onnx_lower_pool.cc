// SPDX-License-Identifier: Apache-2.0
// Sliding windows: what the file says, and the square form that kernels have.
#include <fmt/ranges.h>

#include <algorithm>
#include <limits>
#include <optional>

#include "formats/onnx_lowering.h"
#include "network/limits.h"

namespace limber {
namespace {

constexpr int64_t kGrowth = 9;  // the work of a widened kernel against the true one

int64_t positions(int64_t extent, int64_t kernel, int64_t stride) {
  return extent < kernel ? 0 : (extent - kernel) / stride + 1;
}

}  // namespace

SquareWindow fit_square(const OnnxWindow& window, int64_t height, int64_t width, bool wider) {
  const int64_t extent[2] = {height, width};
  int64_t reach[2];
  SquareWindow result;
  for (int i : {0, 1}) {
    reach[i] = (window.kernel[i] - 1) * window.dilation[i] + 1;
    const int64_t padded = extent[i] + window.before[i] + window.after[i];
    result.output[i] = positions(padded, reach[i], window.stride[i]);
    const int64_t rest = (padded - reach[i]) % window.stride[i];
    const bool hangs = window.round_up && result.output[i] > 0 && rest != 0 &&
                       result.output[i] * window.stride[i] < extent[i] + window.before[i];
    if (hangs) ++result.output[i];
    if (result.output[i] < 1) {
      throw OnnxRefusal{fmt::format("a kernel of {} on {} padded pixels", reach[i], padded)};
    }
  }
  result.stride = result.output[0] > 1 ? window.stride[0] : window.stride[1];
  const bool strides = window.stride[0] == window.stride[1] ||
                       std::min(result.output[0], result.output[1]) == 1;  // one place needs none
  const int64_t least = std::max(reach[0], reach[1]), area = window.kernel[0] * window.kernel[1];
  for (int64_t kernel = least; strides && kernel <= limits::kKernel; ++kernel) {
    const bool stored = kernel == window.kernel[0] && kernel == window.kernel[1];
    if (!stored && (!wider || kernel * kernel > kGrowth * area)) break;
    for (int64_t padding = 0; padding < kernel; ++padding) {
      bool fits = true;
      for (int i : {0, 1}) {
        result.offset[i] = padding - window.before[i];
        fits = fits && result.offset[i] >= 0 && result.offset[i] + reach[i] <= kernel &&
               positions(extent[i] + 2 * padding, kernel, result.stride) == result.output[i];
      }
      if (!fits) continue;
      result.kernel = kernel;
      result.padding = padding;
      return result;
    }
  }
  throw OnnxRefusal{fmt::format(
      "kernel {} x {}, strides {} and {}, dilations {} and {}, padding [{}, {}, {}, {}]{} on {} x {} pixels; legal: {}",
      window.kernel[0], window.kernel[1], window.stride[0], window.stride[1], window.dilation[0], window.dilation[1],
      window.before[0], window.before[1], window.after[0], window.after[1], window.round_up ? ", rounded up" : "",
      height, width,
      wider ? "what a square kernel with one stride and padding does, at most 9 times as large"
            : "square, one stride, the same padding on all sides, no dilation")};
}

OnnxWindow OnnxLowering::window_of(const OnnxNode& node, const OnnxValue& x, std::vector<int64_t> kernel) {
  OnnxWindow window;
  const auto pair = [&](const char* attribute, int64_t(&to)[2]) {
    const std::vector<int64_t> values = integers_of(node, attribute);
    if (values.empty()) return;
    if (values.size() != 2) refuse("{} of [{}]; legal: two numbers", attribute, fmt::join(values, ", "));
    std::copy(values.begin(), values.end(), to);
  };
  const std::vector<int64_t> stated = integers_of(node, "kernel_shape");
  if (kernel.empty()) kernel = stated;
  if (kernel.size() != 2 || (!stated.empty() && stated != kernel))
    refuse("kernel_shape [{}]; legal: two numbers, as the weight has them", fmt::join(stated, ", "));
  std::copy(kernel.begin(), kernel.end(), window.kernel);
  pair("strides", window.stride);
  pair("dilations", window.dilation);
  std::vector<int64_t> pads = integers_of(node, "pads");
  if (pads.empty()) pads.assign(4, 0);
  if (pads.size() != 4) refuse("pads of [{}]; legal: four numbers", fmt::join(pads, ", "));
  const std::string automatic = text_of(node, "auto_pad", "NOTSET");
  const int64_t extent[2] = {x.height, x.width};
  for (std::size_t i : {0, 1}) {
    for (const int64_t value : {window.kernel[i], window.stride[i], window.dilation[i]}) {
      if (value < 1 || value > limits::kKernel)
        refuse("kernel, stride or dilation {}; legal: 1 to {}", value, limits::kKernel);
    }
    window.before[i] = pads[i], window.after[i] = pads[i + 2];
    if (automatic == "VALID") window.before[i] = window.after[i] = 0;
    if (automatic == "SAME_UPPER" || automatic == "SAME_LOWER") {
      const int64_t outputs = (extent[i] + window.stride[i] - 1) / window.stride[i];
      const int64_t reach = (window.kernel[i] - 1) * window.dilation[i] + 1;
      const int64_t all = std::max<int64_t>(0, (outputs - 1) * window.stride[i] + reach - extent[i]);
      window.before[i] = automatic == "SAME_UPPER" ? all / 2 : all - all / 2;
      window.after[i] = all - window.before[i];
    }
    for (const int64_t value : {window.before[i], window.after[i]}) {
      if (value < 0 || value > limits::kKernel) refuse("padding {}; legal: 0 to {}", value, limits::kKernel);
    }
  }
  window.round_up = integer_of(node, "ceil_mode", 0) != 0;
  return window;
}

// So that zeros around it are no larger than what a maximum finds inside.
bool OnnxLowering::never_negative(const OnnxValue& value) const {
  return std::all_of(value.parts.begin(), value.parts.end(), [&](const OnnxPart& part) {
    const Node& node = graph_.nodes[static_cast<std::size_t>(part.node)];
    return node.activation == Activation::kRelu || node.activation == Activation::kRelu6 ||
           node.activation == Activation::kHardSigmoid;
  });
}

OnnxValue OnnxLowering::pool(const OnnxNode& node, const Inputs& inputs) {
  OnnxValue& given = feature(inputs, 0);
  OnnxValue padless = given;
  padless.pads = {};
  OnnxValue& x = image({given.pads.empty() ? &given : &padless}, 0);
  const bool largest = node.type == "MaxPool";
  OnnxWindow window = window_of(node, x, {});
  const auto padded = [&] { return window.before[0] + window.before[1] + window.after[0] + window.after[1] > 0; };
  if (!largest && padded() && integer_of(node, "count_include_pad", 0) == 0)
    refuse("padding that does not count; legal: count_include_pad 1, or no padding");
  if (!given.pads.empty()) {
    const bool harmless =
        largest ? given.pad_value <= -std::numeric_limits<float>::max() || (given.pad_value == 0 && never_negative(x))
                : given.pad_value == 0;
    if (!harmless) refuse("it reads a Pad with {}", given.pad_value);
    window.before[0] += given.pads.top, window.before[1] += given.pads.left;
    window.after[0] += given.pads.bottom, window.after[1] += given.pads.right;
  }
  const SquareWindow square = fit_square(window, x.height, x.width, false);
  if (!largest && window.round_up) {  // a window that hangs over divides by less
    window.round_up = false;
    const SquareWindow down = fit_square(window, x.height, x.width, false);
    if (down.output[0] != square.output[0] || down.output[1] != square.output[1]) refuse("rounded up");
  }
  if (!largest && !padded() && square.kernel == x.height && square.kernel == x.width)
    return global_average(node, inputs);
  Node made;
  made.op = largest ? Op::kMaxPool : Op::kAveragePool;
  made.inputs = inputs_of(x);
  made.kernel = square.kernel;
  made.stride = square.stride;
  made.padding = square.padding;
  return emit(std::move(made), x.channels, square.output[0], square.output[1]);
}

OnnxValue OnnxLowering::global_average(const OnnxNode&, const Inputs& inputs) {
  OnnxValue& x = image(inputs, 0);
  Node made;
  made.op = Op::kGlobalAveragePool;
  made.inputs = inputs_of(x);
  return emit(std::move(made), x.channels, 1, 1);
}

OnnxValue OnnxLowering::reduce_mean(const OnnxNode& node, const Inputs& inputs) {
  OnnxValue& x = feature(inputs, 0);
  materialise(x);
  std::vector<int64_t> axes = OnnxFolder::axes(node, constant(inputs, 1));
  for (int64_t& axis : axes) axis = axis_of(axis, x.dims.size());
  std::sort(axes.begin(), axes.end());
  const bool first = x.view == OnnxView::kFirst && axes == std::vector<int64_t>{2, 3};
  const bool last = x.view == OnnxView::kLast && axes == std::vector<int64_t>{1, 2};
  if (!first && !last)
    refuse("over axes [{}] of [{}]; legal: height and width", fmt::join(axes, ", "), fmt::join(x.dims, ", "));
  Node made;
  made.op = Op::kGlobalAveragePool;
  made.inputs = inputs_of(x);
  const OnnxValue mean = emit(std::move(made), x.channels, 1, 1);
  if (integer_of(node, "keepdims", 1) == 0) return viewed(mean, {1, x.channels});
  return viewed(mean, first ? std::vector<int64_t>{1, x.channels, 1, 1} : std::vector<int64_t>{1, 1, 1, x.channels});
}

}  // namespace limber
