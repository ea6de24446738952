// SPDX-License-Identifier: Apache-2.0
// Conv, Gemm, MatMul, BatchNormalization.
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "formats/onnx_lowering.h"
#include "network/limits.h"

namespace limber {
namespace {

// Taps of a stored kernel at their places in a larger square one.
std::vector<float> widened(const std::vector<float>& values, const OnnxWindow& window, const SquareWindow& square) {
  const int64_t rows = window.kernel[0], columns = window.kernel[1], size = square.kernel;
  const int64_t kernels = static_cast<int64_t>(values.size()) / (rows * columns);
  std::vector<float> result(static_cast<std::size_t>(kernels * size * size), 0.0f);
  for (int64_t k = 0; k < kernels; ++k) {
    for (int64_t y = 0; y < rows; ++y) {
      for (int64_t x = 0; x < columns; ++x) {
        const int64_t to_y = square.offset[0] + y * window.dilation[0],
                      to_x = square.offset[1] + x * window.dilation[1];
        result[static_cast<std::size_t>((k * size + to_y) * size + to_x)] =
            values[static_cast<std::size_t>((k * rows + y) * columns + x)];
      }
    }
  }
  return result;
}

}  // namespace

OnnxValue OnnxLowering::conv(const OnnxNode& node, const Inputs& inputs) {
  OnnxValue& given = feature(inputs, 0);
  const OnnxPads pads = given.pads;
  if (!pads.empty() && given.pad_value != 0) refuse("it reads a Pad with {}; legal: 0", given.pad_value);
  OnnxValue padless = given;
  padless.pads = {};
  OnnxValue& x = image({pads.empty() ? &given : &padless}, 0);
  const OnnxTensor& kernel = floats(inputs, 1, "the weight");
  if (kernel.dims.size() != 4 || kernel.count() < 1) refuse("a weight of [{}]", fmt::join(kernel.dims, ", "));
  const int64_t outputs = kernel.dims[0], groups = integer_of(node, "group", 1);
  const bool divides = groups >= 1 && x.channels % groups == 0 && outputs % groups == 0;
  if (!divides || kernel.dims[1] != x.channels / groups) {
    refuse("a weight of [{}] with {} groups for {} channels", fmt::join(kernel.dims, ", "), groups, x.channels);
  }
  OnnxWindow window = window_of(node, x, {kernel.dims[2], kernel.dims[3]});
  window.before[0] += pads.top, window.before[1] += pads.left;
  window.after[0] += pads.bottom, window.after[1] += pads.right;
  const SquareWindow square = fit_square(window, x.height, x.width, true);
  const bool depthwise = groups > 1 && groups == x.channels && groups == outputs;
  Node made;
  made.op = Op::kConv2d;
  made.inputs = inputs_of(x, groups == 1);
  made.channels = outputs;
  made.kernel = square.kernel;
  made.stride = square.stride;
  made.padding = square.padding;
  made.depthwise = depthwise;
  if (!depthwise) made.groups = groups;
  const std::vector<int64_t> shape{outputs, kernel.dims[1], square.kernel, square.kernel};
  if (kernel.dims[2] == square.kernel && kernel.dims[3] == square.kernel) {
    made.weight = weight(node.inputs[1], "", shape, kernel.floats, kernel.half);
  } else {
    const auto values = std::make_shared<const std::vector<float>>(widened(*kernel.floats, window, square));
    const std::string form =
        fmt::format("{} {} {} {}", square.offset[0], square.offset[1], window.dilation[0], window.dilation[1]);
    made.weight = weight(node.inputs[1], form, shape, values, kernel.half);
    ++wider_;
  }
  if (inputs.size() > 2 && inputs[2] != nullptr) {
    const OnnxTensor& bias = floats(inputs, 2, "the bias");
    if (bias.count() != outputs) refuse("a bias of [{}] for {} channels", fmt::join(bias.dims, ", "), outputs);
    made.bias = weight(node.inputs[2], "", {outputs}, bias.floats, bias.half);
  }
  return emit(std::move(made), outputs, square.output[0], square.output[1]);
}

// x times a matrix: a linear layer on one pixel, a 1x1 convolution where channels are last, a convolution as large as
// the image on what was flattened.
OnnxValue OnnxLowering::product(const OnnxNode& node, OnnxValue& x, const OnnxTensor& matrix, bool transposed,
                                float alpha, std::vector<float> bias) {
  materialise(x);
  const bool flat = !x.pixel() && (x.view == OnnxView::kFlat || x.view == OnnxView::kFlatLast);
  const bool last = x.channel_axis() == static_cast<int64_t>(x.dims.size()) - 1;
  if (!flat && !last) refuse("its input is [{}]; legal: channels last", fmt::join(x.dims, ", "));
  if (matrix.dims.size() != 2) refuse("a matrix of [{}]", fmt::join(matrix.dims, ", "));
  const int64_t outputs = matrix.dims[transposed ? 0 : 1], sums = matrix.dims[transposed ? 1 : 0];
  if (sums != x.dims.back() || outputs < 1) {
    refuse("a matrix of [{}] for [{}]", fmt::join(matrix.dims, ", "), fmt::join(x.dims, ", "));
  }
  Node made;
  made.op = x.pixel() ? Op::kLinear : Op::kConv2d;
  made.inputs = inputs_of(x, true);
  made.channels = outputs;
  const bool as_stored = transposed && alpha == 1 && (x.pixel() || x.view != OnnxView::kFlatLast);
  OnnxWindow window;
  SquareWindow square;
  square.output[0] = x.height, square.output[1] = x.width;
  if (flat) {
    window.kernel[0] = x.height, window.kernel[1] = x.width;
    if (x.height != x.width) window.stride[0] = window.stride[1] = std::max(x.height, x.width);
    square = fit_square(window, x.height, x.width, true);
    made.kernel = square.kernel, made.stride = square.stride, made.padding = square.padding;
  }
  std::shared_ptr<const std::vector<float>> values = matrix.floats;
  if (!as_stored) {
    auto ordered = std::make_shared<std::vector<float>>(values->size());
    const int64_t area = flat ? x.height * x.width : 1;
    for (int64_t n = 0; n < outputs; ++n) {
      for (int64_t k = 0; k < sums; ++k) {  // k: channel, then pixel
        const int64_t from = x.view == OnnxView::kFlatLast && flat ? k % area * x.channels + k / area : k;
        (*ordered)[static_cast<std::size_t>(n * sums + k)] =
            alpha * (*values)[static_cast<std::size_t>(transposed ? n * sums + from : from * outputs + n)];
      }
    }
    values = ordered;
  }
  std::vector<int64_t> shape{outputs, x.channels};
  if (made.op == Op::kConv2d) shape.insert(shape.end(), 2, square.kernel);
  if (flat && (x.height != square.kernel || x.width != square.kernel)) {
    values = std::make_shared<const std::vector<float>>(widened(*values, window, square));
    ++wider_;
  }
  const std::string form = fmt::format("product {} {} {} {}", transposed, alpha, x.height, static_cast<int>(x.view));
  made.weight = weight(node.inputs[1], as_stored ? "" : form, shape, values, matrix.half && alpha == 1);
  if (!bias.empty()) made.bias = weights_.add(current_ + ".bias", {outputs}, std::move(bias));
  std::vector<int64_t> dims = x.dims;
  dims.back() = outputs;
  OnnxValue result = emit(std::move(made), outputs, square.output[0], square.output[1]);
  if (!result.pixel()) {
    result.dims = std::move(dims), result.view = OnnxView::kLast;
    return result;
  }
  return viewed(result, std::move(dims));
}

OnnxValue OnnxLowering::gemm(const OnnxNode& node, const Inputs& inputs) {
  OnnxValue& x = feature(inputs, 0);
  const OnnxTensor& matrix = floats(inputs, 1, "the matrix");
  if (integer_of(node, "transA", 0) != 0) refuse("transA; legal: 0");
  if (x.dims.size() != 2) refuse("its input is [{}]; legal: two dimensions", fmt::join(x.dims, ", "));
  const bool transposed = integer_of(node, "transB", 0) != 0;
  std::vector<float> bias;
  if (inputs.size() > 2 && inputs[2] != nullptr && matrix.dims.size() == 2) {
    const OnnxTensor& given = floats(inputs, 2, "the bias");
    const int64_t outputs = matrix.dims[transposed ? 0 : 1];
    if (given.count() != outputs && given.count() != 1) refuse("a bias of [{}]", fmt::join(given.dims, ", "));
    bias.assign(static_cast<std::size_t>(outputs), given.floats->at(0));
    if (given.count() == outputs) bias = *given.floats;
    for (float& value : bias) value *= number_of(node, "beta", 1);
  }
  return product(node, x, matrix, transposed, number_of(node, "alpha", 1), std::move(bias));
}

OnnxValue OnnxLowering::matmul(const OnnxNode& node, const Inputs& inputs) {
  OnnxValue& x = feature(inputs, 0);
  return product(node, x, floats(inputs, 1, "the matrix"), false, 1, {});
}

// A node of its own; fuse() folds it into the convolution before it.
OnnxValue OnnxLowering::batch_norm(const OnnxNode& node, const Inputs& inputs) {
  OnnxValue& x = feature(inputs, 0);
  materialise(x);
  if (x.channel_axis() != 1) refuse("its input is [{}]; legal: channels second", fmt::join(x.dims, ", "));
  if (integer_of(node, "training_mode", 0) != 0) refuse("in training mode");
  const float epsilon = number_of(node, "epsilon", 1e-5f);
  if (!(epsilon >= 0 && epsilon <= 1)) refuse("an epsilon of {}; legal: 0 to 1", epsilon);
  std::string names[4];
  for (std::size_t i = 0; i < 4; ++i) {
    const OnnxTensor& values = floats(inputs, i + 1, "a statistic");
    if (values.count() != x.channels)
      refuse("statistics of [{}] for {} channels", fmt::join(values.dims, ", "), x.channels);
    names[i] = weight(node.inputs[i + 1], "", {x.channels}, values.floats, values.half);
  }
  OnnxValue result = emit_like(Op::kConv2d, x, current_);
  Node& made = graph_.nodes.back();
  made.depthwise = true;
  const auto ones = std::make_shared<const std::vector<float>>(static_cast<std::size_t>(x.channels), 1.0f);
  made.weight = weight("ones", "", {x.channels, 1, 1, 1}, ones, false);
  made.norm = Norm{names[0], names[1], names[2], names[3], epsilon};
  return result;
}

}  // namespace limber
