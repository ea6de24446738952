// SPDX-License-Identifier: Apache-2.0
#include "train/interpreter.h"

#include <algorithm>

#include "base/error.h"

namespace limber::train {

using torch::Tensor;

Interpreter::Interpreter(const Graph& graph, const Step& step, Tensors& weights, const Tensors& leaves,
                         Statistics statistics, bool bf16, bool alone)
    : graph_(graph),
      step_(step),
      weights_(weights),
      leaves_(leaves),
      statistics_(statistics),
      bf16_(bf16),
      alone_(alone) {}

std::vector<Range> Interpreter::ranges_alone(const Step& step, const SubNode& sub) {
  std::vector<Range> fresh;
  for (const Range& range : sub.inputs) {
    if (step.fresh[static_cast<std::size_t>(range.node)]) fresh.push_back(range);
  }
  return fresh.empty() ? sub.inputs : fresh;
}

void Interpreter::start(Tensor image) {
  values_.assign(graph_.nodes.size(), Tensor());
  const int input = step_.network.nodes.front().node;
  values_[static_cast<std::size_t>(input)] = bf16_ ? image.to(torch::kBFloat16) : image;
}

Tensor Interpreter::own() {
  const SubNode& answer = step_.network.of(step_.answer);
  return linear(answer, node_at(step_.answer), step_.new_ranges, step_.old_ranges.empty()).flatten(1);
}

Tensor Interpreter::frozen() {
  if (step_.old_ranges.empty()) return Tensor();
  torch::NoGradGuard guard;
  const SubNode& answer = step_.network.of(step_.answer);
  return linear(answer, node_at(step_.answer), step_.old_ranges, true).flatten(1);
}

Tensor Interpreter::value(int node) {
  Tensor& known = values_[static_cast<std::size_t>(node)];
  if (known.defined()) return known;
  Tensor result;
  if (step_.fresh[static_cast<std::size_t>(node)]) {
    result = compute(step_.network.of(node));
  } else {
    torch::NoGradGuard guard;  // frozen: nothing upstream of it is trained either
    result = compute(step_.network.of(node));
  }
  values_[static_cast<std::size_t>(node)] = result;
  return result;
}

Tensor Interpreter::read(const SubNode& sub, const std::vector<Range>& ranges) {
  std::vector<Tensor> parts;
  for (const Range& range : ranges) {
    Tensor part = value(range.node);
    if (range.from != 0 || range.count != part.size(1)) part = part.narrow(1, range.from, range.count);
    parts.push_back(part);
  }
  if (parts.empty())
    fail(ErrorCode::kInternal, "graph '{}': node '{}' reads nothing", graph_.name, node_at(sub.node).name);
  return parts.size() == 1 ? parts[0] : torch::cat(parts, 1);
}

Tensor Interpreter::weight(const std::string& name) {
  const auto leaf = leaves_.find(name);
  return leaf != leaves_.end() ? leaf->second : weights_.at(name);
}

// The wanted kernel out of the stored one, as OFA makes it: centre crops, each times its matrix.
Tensor Interpreter::kernel(const SubNode& sub, const Node& node, Tensor w) {
  std::vector<const KernelTransform*> steps;
  for (int64_t size = sub.kernel; size != w.size(2);) {  // from the wanted size up to the stored one
    const auto step = std::find_if(node.transforms.begin(), node.transforms.end(),
                                   [&](const KernelTransform& transform) { return transform.to == size; });
    if (step == node.transforms.end())
      fail(ErrorCode::kBadFile, "graph '{}': node '{}': no transform makes a kernel of {} out of {}", graph_.name,
           node.name, size, w.size(2));
    steps.push_back(&*step);
    size = step->from;
  }
  for (auto step = steps.rbegin(); step != steps.rend(); ++step) {
    const int64_t to = (*step)->to, margin = ((*step)->from - to) / 2;
    const Tensor crop = w.narrow(2, margin, to).narrow(3, margin, to).reshape({w.size(0), w.size(1), to * to});
    w = torch::matmul(crop, weight((*step)->matrix).t()).reshape({w.size(0), w.size(1), to, to});
  }
  return w;
}

Tensor Interpreter::convolve(const SubNode& sub, const Node& node) {
  const bool fresh = step_.fresh[static_cast<std::size_t>(sub.node)];
  const std::vector<Range> ranges = alone_ && fresh ? ranges_alone(step_, sub) : sub.inputs;
  const Tensor x = read(sub, ranges);
  Tensor w = weight(node.weight);
  if (sub.channels_from != 0 || sub.channels != w.size(0)) w = w.narrow(0, sub.channels_from, sub.channels);
  if (!node.depthwise && sub.groups == 1) {
    bool whole = true;  // the usual case: all columns in order
    int64_t next = 0;
    for (const Range& range : ranges) {
      whole = whole && range.weight_from == next;
      next += range.count;
    }
    if (!whole || next != w.size(1)) {
      std::vector<Tensor> parts;
      for (const Range& range : ranges) parts.push_back(w.narrow(1, range.weight_from, range.count));
      w = parts.size() == 1 ? parts[0] : torch::cat(parts, 1);
    }
  }
  if (!node.transforms.empty()) w = kernel(sub, node, w);
  Tensor bias;
  if (!node.bias.empty()) bias = weight(node.bias).narrow(0, sub.channels_from, sub.channels);
  if (bf16_) {
    w = w.to(torch::kBFloat16);
    if (bias.defined()) bias = bias.to(torch::kBFloat16);
  }
  Tensor y = torch::conv2d(x, w, bias, node.stride, sub.padding, 1, node.depthwise ? x.size(1) : sub.groups);
  return node.norm ? normalise(sub, *node.norm, y) : y;
}

Tensor Interpreter::normalise(const SubNode& sub, const Norm& norm, Tensor x) {
  const auto slice = [&](Tensor t) {
    return t.size(0) == sub.channels ? t : t.narrow(0, sub.channels_from, sub.channels);
  };
  const Tensor scale = slice(weight(norm.weight)), shift = slice(weight(norm.bias));
  if (statistics_ == Statistics::kBatch)
    return torch::batch_norm(x, scale, shift, Tensor(), Tensor(), true, 0, norm.epsilon, false);
  const bool measure = statistics_ == Statistics::kMeasured;
  const bool learn =
      measure || (statistics_ == Statistics::kTracked && step_.fresh[static_cast<std::size_t>(sub.node)]);
  // The means and variances are updated in place.
  return torch::batch_norm(x, scale, shift, slice(weights_.at(norm.mean)), slice(weights_.at(norm.variance)), learn,
                           measure ? 1.0 / static_cast<double>(measured + 1) : 0.1, norm.epsilon, false);
}

Tensor Interpreter::linear(const SubNode& sub, const Node& node, const std::vector<Range>& ranges, bool with_bias) {
  const Tensor x = read(sub, ranges).flatten(1).to(torch::kFloat);
  Tensor w;
  const bool trained_columns =
      step_.own_columns && sub.node == step_.answer && &ranges == &step_.new_ranges && leaves_.count(node.weight) != 0;
  if (trained_columns) {
    w = leaves_.at(node.weight);  // exactly the new columns, in the order of the ranges
  } else {
    const bool apart = step_.own_columns && sub.node == step_.answer;  // its leaf holds other columns
    const Tensor all = apart ? weights_.at(node.weight) : weight(node.weight);
    std::vector<Tensor> parts;
    for (const Range& range : ranges)
      parts.push_back(all.narrow(0, sub.channels_from, sub.channels).narrow(1, range.weight_from, range.count));
    w = parts.size() == 1 ? parts[0] : torch::cat(parts, 1);
  }
  Tensor bias;
  if (with_bias && !node.bias.empty()) bias = weight(node.bias).narrow(0, sub.channels_from, sub.channels);
  Tensor y = torch::linear(x, w, bias).unsqueeze(2).unsqueeze(3);
  if (node.norm) y = normalise(sub, *node.norm, y);
  return y;
}

Tensor Interpreter::compute(const SubNode& sub) {
  const Node& node = node_at(sub.node);
  Tensor y;
  switch (node.op) {
    case Op::kInput:
      return value(sub.node);
    case Op::kConv2d:
      y = convolve(sub, node);
      break;
    case Op::kLinear:
      y = linear(sub, node, sub.inputs, true);
      break;
    case Op::kActivation:
    case Op::kConcat:
      y = read(sub, sub.inputs);
      break;
    case Op::kAdd:
    case Op::kMultiply: {
      y = read(sub, {sub.inputs.front()});
      for (std::size_t i = 1; i < sub.inputs.size(); ++i) {
        const Tensor other = read(sub, {sub.inputs[i]});
        y = node.op == Op::kAdd ? y + other : y * other;
      }
      break;
    }
    case Op::kMaxPool:
      y = torch::max_pool2d(read(sub, sub.inputs), sub.kernel, node.stride, sub.padding);
      break;
    case Op::kAveragePool:
      y = torch::avg_pool2d(read(sub, sub.inputs), sub.kernel, node.stride, sub.padding);
      break;
    case Op::kGlobalAveragePool:
      y = read(sub, sub.inputs).mean({2, 3}, true);
      break;
    case Op::kSoftmax:
      y = torch::softmax(read(sub, sub.inputs), 1);
      break;
    case Op::kAttention:
      fail(ErrorCode::kUnsupported, "training does not know attention (node '{}')", node.name);
  }
  if (sub.residual >= 0) y = y + value(sub.residual);
  switch (node.activation) {
    case Activation::kNone:
      return y;
    case Activation::kRelu:
      return torch::relu(y);
    case Activation::kHardSwish:
      return torch::hardswish(y);
    case Activation::kHardSigmoid:
      return torch::hardsigmoid(y);
    case Activation::kRelu6:
      return torch::relu6(y);
  }
  return y;
}

}  // namespace limber::train
