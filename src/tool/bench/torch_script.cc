// SPDX-License-Identifier: Apache-2.0
#include "tool/bench/torch_script.h"

#include <fmt/ranges.h>

#include "base/error.h"
#include "network/sub_network.h"

namespace limber::tool {
namespace {

std::string activated(const std::string& value, Activation activation) {
  switch (activation) {
    case Activation::kNone:
      return value;
    case Activation::kRelu:
      return "torch.relu(" + value + ")";
    case Activation::kRelu6:
      return "torch.clamp(" + value + ", 0, 6)";
    case Activation::kHardSwish:
      return "torch.hardswish(" + value + ")";
    case Activation::kHardSigmoid:
      return "torch.hardsigmoid(" + value + ")";
  }
  return value;
}

class Writer {
 public:
  Writer(const Network& network, const Member& member)
      : network_(network), member_(member), sub_(resolve(network.graph, member.choice)) {}

  TorchScript write() {
    script_.text = "def forward(self, x):\n";
    for (const SubNode& part : sub_.nodes) {
      if (part.height.symbol >= 0) refuse(part, "its height is a run-time symbol");
      std::string value = operation(part);
      if (part.residual >= 0) value = fmt::format("torch.add({}, v{})", value, part.residual);
      script_.text += fmt::format("  v{} = {}\n", part.node, activated(value, node(part).activation));
    }
    script_.text += fmt::format("  return v{}\n", sub_.answer().node);
    script_.input = shape(sub_.nodes.front());
    script_.output = shape(sub_.answer());
    return std::move(script_);
  }

 private:
  const Node& node(const SubNode& part) const { return network_.graph.nodes[static_cast<std::size_t>(part.node)]; }
  static std::vector<int64_t> shape(const SubNode& part) {
    return {1, part.channels, part.height.constant, part.width};
  }
  [[noreturn]] void refuse(const SubNode& part, const char* why) const {
    fail(ErrorCode::kUnsupported, "libtorch: node '{}': {}", node(part).name, why);
  }

  std::string read(const Range& range) const {
    if (range.from == 0 && range.count == sub_.of(range.node).channels) return fmt::format("v{}", range.node);
    return fmt::format("torch.narrow(v{}, 1, {}, {})", range.node, range.from, range.count);
  }
  std::string read_all(const SubNode& part) const {
    std::vector<std::string> parts;
    for (const Range& range : part.inputs) parts.push_back(read(range));
    return parts.size() == 1 ? parts[0] : fmt::format("torch.cat([{}], 1)", fmt::join(parts, ", "));
  }
  std::string combined(const SubNode& part, const char* function) const {
    std::string value = read(part.inputs.front());
    for (std::size_t i = 1; i < part.inputs.size(); ++i)
      value = fmt::format("{}({}, {})", function, value, read(part.inputs[i]));
    return value;
  }

  std::string convolution(const SubNode& part) {
    const int64_t groups = node(part).op == Op::kLinear ? 1 : part.groups;
    TorchScript::Weights& weights = script_.weights.emplace_back();
    weights = {fmt::format("n{}", part.node), fold_conv(network_, member_, part), groups};
    return fmt::format("torch.conv2d({0}, self.{1}_weight, self.{1}_bias, [{2}, {2}], [{3}, {3}], [1, 1], {4})",
                       read_all(part), weights.name, node(part).stride, part.padding, groups);
  }

  std::string operation(const SubNode& part) {
    const Node& what = node(part);
    switch (what.op) {
      case Op::kInput:
        return "x";
      case Op::kConv2d:
      case Op::kLinear:
        return convolution(part);
      case Op::kActivation:
      case Op::kConcat:
        return read_all(part);
      case Op::kAdd:
        return combined(part, "torch.add");
      case Op::kMultiply:
        return combined(part, "torch.mul");
      case Op::kMaxPool:
      case Op::kAveragePool:
        return fmt::format("torch.{0}({1}, [{2}, {2}], [{3}, {3}], [{4}, {4}])",
                           what.op == Op::kMaxPool ? "max_pool2d" : "avg_pool2d", read_all(part), part.kernel,
                           what.stride, part.padding);
      case Op::kGlobalAveragePool:
        return fmt::format("torch.adaptive_avg_pool2d({}, [1, 1])", read_all(part));
      case Op::kSoftmax:
        return fmt::format("torch.softmax({}, 1)", read_all(part));
      case Op::kAttention:
        break;
    }
    refuse(part, "not mapped to TorchScript");
  }

  const Network& network_;
  const Member& member_;
  const SubNetwork sub_;
  TorchScript script_;
};

}  // namespace

TorchScript torch_script(const Network& network, const Member& member) {
  return Writer(network, member).write();
}

}  // namespace limber::tool
