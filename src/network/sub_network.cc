// SPDX-License-Identifier: Apache-2.0
#include "network/sub_network.h"

#include <algorithm>

#include "base/error.h"
#include "network/limits.h"

namespace limber {
namespace {

class Resolver {
 public:
  Resolver(const Graph& graph, const Choice& choice) : graph_(graph), choice_(choice) {}

  SubNetwork run(int answer) {
    check_choice(graph_.space, choice_);
    const int count = static_cast<int>(graph_.nodes.size());
    for (int i = 0; i < count; ++i) present_.push_back(is_present(graph_.nodes[static_cast<std::size_t>(i)]));
    if (answer < 0) {
      for (int i = 0; i < count; ++i) {
        if (present_[static_cast<std::size_t>(i)]) answer = i;
      }
    }
    if (answer < 0 || answer >= count || !present_[static_cast<std::size_t>(answer)]) {
      fail(ErrorCode::kInvalidArgument, "graph '{}': no node is present for choice '{}'", graph_.name,
           to_string(graph_.space, choice_));
    }
    find_needed(answer);
    SubNetwork result;
    result.choice = choice_;
    result.position.assign(graph_.nodes.size(), -1);
    int64_t bytes = 0;
    int inputs = 0;
    result_ = &result;
    for (int i = 0; i <= answer; ++i) {
      if (!needed_[static_cast<std::size_t>(i)]) continue;
      SubNode node = shape_of(i);
      inputs += graph_.nodes[static_cast<std::size_t>(i)].op == Op::kInput;
      bytes += activation_bytes(node);
      if (bytes > limits::kAllActivationBytes)
        refuse(i, "the activations need more than {} bytes", limits::kAllActivationBytes);
      result.macs += node.macs;
      if (result.macs > limits::kMacs) refuse(i, "more than {} multiply-accumulates", limits::kMacs);
      result.position[static_cast<std::size_t>(i)] = static_cast<int>(result.nodes.size());
      result.nodes.push_back(std::move(node));
    }
    if (inputs != 1) refuse(answer, "this answer depends on {} inputs; legal: 1", inputs);
    return result;
  }

 private:
  template <typename... Args>
  [[noreturn]] void refuse(int node, fmt::format_string<Args...> format, Args&&... args) const {
    fail(ErrorCode::kInvalidArgument, "graph '{}', choice '{}': node '{}': {}", graph_.name,
         to_string(graph_.space, choice_), graph_.nodes[static_cast<std::size_t>(node)].name,
         fmt::format(format, std::forward<Args>(args)...));
  }

  bool is_present(const Node& node) const {
    return std::all_of(node.when.begin(), node.when.end(), [&](const Presence& presence) {
      if (presence.dimension < 0) return true;
      const int64_t value = choice_[static_cast<std::size_t>(presence.dimension)];
      return std::find(presence.choices.begin(), presence.choices.end(), value) != presence.choices.end();
    });
  }

  // The node that a reader of `node` gets: itself, what stands in for it, or -1 when it is left out.
  int stand_in(int node) const {
    while (!present_[static_cast<std::size_t>(node)]) {
      const Node& absent = graph_.nodes[static_cast<std::size_t>(node)];
      if (absent.when_absent == WhenAbsent::kDrop) return -1;
      node = absent.inputs.front().node;  // check() made sure that it reads all of it
    }
    return node;
  }

  void find_needed(int answer) {
    needed_.assign(graph_.nodes.size(), false);
    needed_[static_cast<std::size_t>(answer)] = true;
    for (int i = answer; i >= 0; --i) {
      if (!needed_[static_cast<std::size_t>(i)]) continue;
      const Node& node = graph_.nodes[static_cast<std::size_t>(i)];
      for (const Input& input : node.inputs) {
        const int producer = stand_in(input.node);
        if (producer >= 0) needed_[static_cast<std::size_t>(producer)] = true;
      }
      if (node.residual >= 0) {
        const int producer = stand_in(node.residual);
        if (producer >= 0) needed_[static_cast<std::size_t>(producer)] = true;
      }
    }
  }

  int64_t number(int node, const Extent& extent, const char* what, int64_t least, int64_t most) const {
    const int64_t value = resolve(extent, choice_).constant;
    if (value < least || value > most) refuse(node, "{} is {}; legal: {} to {}", what, value, least, most);
    return value;
  }

  int64_t largest(const Resolved& rows) const {
    return rows.symbol < 0 ? rows.constant : rows.at(graph_.symbols[static_cast<std::size_t>(rows.symbol)].maximum);
  }

  static std::string rows_text(const Resolved& rows) {
    if (rows.symbol < 0 || rows.per_symbol == 0) return std::to_string(rows.constant);
    return fmt::format("{}+{}*symbol", rows.constant, rows.per_symbol);
  }

  int64_t activation_bytes(const SubNode& node) const {
    const int64_t planes = (node.channels + 15) / 16;  // each factor is bounded by limits.h: no overflow
    const int64_t bytes = planes * largest(node.height) * 64;
    if (bytes > limits::kActivationBytes || bytes * node.width > limits::kActivationBytes) {
      refuse(node.node, "{} x {} x {} outputs need more than {} bytes", node.channels, largest(node.height), node.width,
             limits::kActivationBytes);
    }
    return bytes * node.width;
  }

  void read_inputs(SubNode& result, const Node& node) {
    for (const Input& input : node.inputs) {
      Range range;
      range.node = stand_in(input.node);
      if (range.node < 0) continue;
      const SubNode& producer = result_->of(range.node);
      range.from = number(result.node, input.from, "the first channel of an input", 0, producer.channels - 1);
      const int64_t rest = producer.channels - range.from;
      range.count = resolve(input.count, choice_).constant;
      if (range.count == -1) range.count = rest;
      if (range.count < 1 || range.count > rest) {
        refuse(result.node, "reads {} channels of '{}' from {} on; legal: 1 to {}", range.count,
               graph_.nodes[static_cast<std::size_t>(range.node)].name, range.from, rest);
      }
      range.weight_from = number(result.node, input.weight_from, "weight_from of an input", 0, limits::kChannels);
      result.inputs.push_back(range);
    }
    if (result.inputs.empty()) refuse(result.node, "none of its inputs is present for this choice");
    if (result.input_channels() > limits::kChannels) {
      refuse(result.node, "{} input channels; legal: up to {}", result.input_channels(), limits::kChannels);
    }
    if (node.residual >= 0) result.residual = stand_in(node.residual);
  }

  void require_same_pixels(const SubNode& node, int with, const SubNode& shape, const char* what) const {
    const SubNode& other = result_->of(with);
    if (other.height == shape.height && other.width == shape.width) return;
    refuse(node.node, "{} '{}' has {} x {} pixels, where {} x {} are needed", what,
           graph_.nodes[static_cast<std::size_t>(with)].name, rows_text(other.height), other.width,
           rows_text(shape.height), shape.width);
  }

  void slide(SubNode& result, const Node& node, const SubNode& producer) const {
    result.kernel = number(result.node, node.kernel, "kernel", 1, limits::kKernel);
    result.padding = node.padding == -1 ? result.kernel / 2 : node.padding;
    if (producer.height.symbol >= 0 && (result.kernel != 1 || result.padding != 0 || node.stride != 1)) {
      refuse(result.node, "kernel {}, stride {}, padding {} over rows that a run-time symbol counts; legal: 1, 1, 0",
             result.kernel, node.stride, result.padding);
    }
    if (producer.height.symbol >= 0) {
      result.height = producer.height;
      result.width = producer.width;
      return;
    }
    if (result.padding >= result.kernel) {
      refuse(result.node, "padding {} with kernel {}; legal: less than the kernel", result.padding, result.kernel);
    }
    const int64_t height = producer.height.constant + 2 * result.padding - result.kernel;
    const int64_t width = producer.width + 2 * result.padding - result.kernel;
    if (height < 0 || width < 0) {
      refuse(result.node, "kernel {} does not fit into {} x {} pixels with padding {}", result.kernel,
             producer.height.constant, producer.width, result.padding);
    }
    result.height = {height / node.stride + 1, 0, -1};
    result.width = width / node.stride + 1;
  }

  void count_macs(SubNode& result, int64_t per_output) const {
    const auto total = static_cast<__int128>(largest(result.height)) * result.width * result.channels * per_output;
    if (total > limits::kMacs) refuse(result.node, "more than {} multiply-accumulates", limits::kMacs);
    result.macs = static_cast<int64_t>(total);
  }

  void shape_weighted(SubNode& result, const Node& node) {
    const SubNode& producer = result_->of(result.inputs.front().node);
    const int64_t channels = result.input_channels();
    if (node.op == Op::kConv2d) {
      slide(result, node, producer);
    } else {
      result.height = producer.height;
      result.width = producer.width;
    }
    result.channels_from = number(result.node, node.channels_from, "channels_from", 0, limits::kChannels);
    result.channels = resolve(node.channels, choice_).constant;
    if (node.depthwise) {
      if (result.channels == 0) result.channels = channels;
      if (result.channels != channels) {
        refuse(result.node, "a depthwise convolution of {} channels has {} output channels", channels, result.channels);
      }
      result.groups = channels;
      count_macs(result, result.kernel * result.kernel);
      return;
    }
    if (result.channels < 1 || result.channels > limits::kChannels) {
      refuse(result.node, "channels is {}; legal: 1 to {}", result.channels, limits::kChannels);
    }
    result.groups = number(result.node, node.groups, "groups", 1, limits::kChannels);
    const bool divides = channels % result.groups == 0 && result.channels % result.groups == 0 &&
                         (result.groups == 1 || result.channels_from % (result.channels / result.groups) == 0);
    if (!divides) {
      refuse(result.node, "{} groups do not divide {} input channels and {} output channels from {} on", result.groups,
             channels, result.channels, result.channels_from);
    }
    count_macs(result, channels / result.groups * result.kernel * result.kernel);
  }

  void shape_elementwise(SubNode& result, const Node& node) {
    const SubNode& first = result_->of(result.inputs.front().node);
    const int64_t channels = result.inputs.front().count;
    result.height = first.height;
    result.width = first.width;
    for (std::size_t i = 1; i < result.inputs.size(); ++i) {
      const Range& range = result.inputs[i];
      if (range.count != channels) {
        refuse(result.node, "inputs of {} and {} channels; legal: the same number", channels, range.count);
      }
      const SubNode& other = result_->of(range.node);
      const bool one_pixel = other.height == Resolved{1, 0, -1} && other.width == 1;
      if (node.op == Op::kMultiply && one_pixel) continue;
      require_same_pixels(result, range.node, first, "input");
    }
    if (node.op == Op::kMultiply && result.inputs.size() != 2) {
      refuse(result.node, "{} of 2 inputs are present", result.inputs.size());
    }
    result.channels = channels;
  }

  void shape_attention(SubNode& result, const Node& node) const {
    if (result.inputs.size() != 3) refuse(result.node, "{} of the inputs q, k, v are present", result.inputs.size());
    const SubNode& query = result_->of(result.inputs[0].node);
    const SubNode& key = result_->of(result.inputs[1].node);
    result.channels = result.inputs[0].count;
    result.height = query.height;
    result.width = query.width;
    for (const Range& range : result.inputs) {
      if (range.count != result.channels) {
        refuse(result.node, "q has {} channels and another input {}; legal: the same number", result.channels,
               range.count);
      }
      if (result_->of(range.node).width != 1)
        refuse(result.node, "rows of width {}; legal: 1", result_->of(range.node).width);
    }
    require_same_pixels(result, result.inputs[2].node, key, "v");
    if (node.state) require_same_pixels(result, result.inputs[1].node, query, "k");
    if (result.channels % node.heads != 0) {
      refuse(result.node, "{} heads do not divide {} channels", node.heads, result.channels);
    }
    int64_t rows = largest(key.height);
    if (node.state) {
      rows += graph_.symbols[static_cast<std::size_t>(node.state->symbol)].maximum;
      if (rows * ((result.channels + 15) / 16) * 128 > limits::kStateBytes) {
        refuse(result.node, "{} rows of {} channels of state need more than {} bytes", rows, result.channels,
               limits::kStateBytes);
      }
    }
    count_macs(result, 2 * rows);
  }

  SubNode shape_of(int index) {
    const Node& node = graph_.nodes[static_cast<std::size_t>(index)];
    SubNode result;
    result.node = index;
    if (node.op == Op::kInput) {
      result.channels = number(index, node.channels, "channels", 1, limits::kChannels);
      result.width = number(index, node.width, "width", 1, limits::kPixels);
      result.height = resolve(node.height, choice_);
      const int64_t most = largest(result.height);
      if (most < 1 || most > limits::kPixels) refuse(index, "height is {}; legal: 1 to {}", most, limits::kPixels);
      return result;
    }
    read_inputs(result, node);
    const SubNode& first = result_->of(result.inputs.front().node);
    const bool adds_up = node.op == Op::kAdd || node.op == Op::kMultiply || node.op == Op::kAttention;
    if (!adds_up) {
      for (const Range& range : result.inputs) require_same_pixels(result, range.node, first, "input");
    }
    switch (node.op) {
      case Op::kConv2d:
      case Op::kLinear:
        shape_weighted(result, node);
        break;
      case Op::kAdd:
      case Op::kMultiply:
        shape_elementwise(result, node);
        break;
      case Op::kAttention:
        shape_attention(result, node);
        break;
      case Op::kMaxPool:
      case Op::kAveragePool:
        slide(result, node, first);
        result.channels = result.input_channels();
        break;
      case Op::kGlobalAveragePool:
        result.height = {1, 0, -1};
        result.width = 1;
        result.channels = result.input_channels();
        break;
      default:
        result.height = first.height;
        result.width = first.width;
        result.channels = result.input_channels();
    }
    const int64_t given = resolve(node.channels, choice_).constant;
    if (given != 0 && given != result.channels) {
      refuse(index, "channels is {}, its inputs make {}", given, result.channels);
    }
    if (result.residual >= 0) {
      require_same_pixels(result, result.residual, result, "residual");
      const int64_t channels = result_->of(result.residual).channels;
      if (channels != result.channels) {
        refuse(index, "the residual has {} channels, the output {}", channels, result.channels);
      }
    }
    return result;
  }

  const Graph& graph_;
  const Choice& choice_;
  std::vector<bool> present_, needed_;
  SubNetwork* result_ = nullptr;
};

}  // namespace

SubNetwork resolve(const Graph& graph, const Choice& choice, int answer) {
  return Resolver(graph, choice).run(answer);
}

}  // namespace limber
