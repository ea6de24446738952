// SPDX-License-Identifier: Apache-2.0
// check(Graph): names, indices, tables and bounds, node by node.
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <unordered_map>
#include <unordered_set>

#include "network/check.h"
#include "network/check_rules.h"
#include "network/limits.h"

namespace limber {
namespace {

class GraphCheck {
 public:
  explicit GraphCheck(const Graph& graph) : graph_(graph) {}

  void run() {
    check_space();
    check_symbols();
    check_count(graph_.nodes.size(), limits::kNodes, "nodes");
    if (graph_.nodes.empty()) bad("the graph has no nodes");
    std::unordered_set<std::string> names;
    for (std::size_t i = 0; i < graph_.nodes.size(); ++i) {
      const Node& node = graph_.nodes[i];
      check_name(node.name, fmt::format("node {}", i));
      if (!names.insert(node.name).second) bad("node '{}': the name is used twice", node.name);
      check_node(node, static_cast<int>(i));
    }
  }

 private:
  void check_space() const {
    check_count(graph_.space.dimensions.size(), limits::kDimensions, "dimensions");
    std::unordered_set<std::string> names;
    for (const Dimension& dimension : graph_.space.dimensions) {
      check_name(dimension.name, "a dimension");
      if (dimension.name.find_first_of(",=") != std::string::npos) {
        bad("dimension '{}': ',' and '=' are not allowed in its name", dimension.name);
      }
      if (!names.insert(dimension.name).second) bad("dimension '{}': the name is used twice", dimension.name);
      check_count(dimension.choices.size(), limits::kChoices, "choices of dimension '" + dimension.name + "'");
      if (dimension.choices.empty()) bad("dimension '{}' has no choices", dimension.name);
      for (std::size_t i = 0; i < dimension.choices.size(); ++i) {
        const int64_t value = dimension.choices[i];
        if (value < -limits::kChoiceValue || value > limits::kChoiceValue) {
          bad("dimension '{}': choice {}; legal: {} to {}", dimension.name, value, -limits::kChoiceValue,
              limits::kChoiceValue);
        }
        if (i > 0 && value <= dimension.choices[i - 1]) {
          bad("dimension '{}': choice {} after {}; choices ascend", dimension.name, value, dimension.choices[i - 1]);
        }
      }
    }
  }

  void check_symbols() const {
    check_count(graph_.symbols.size(), limits::kDimensions, "symbols");
    std::unordered_set<std::string> names;
    for (const Symbol& symbol : graph_.symbols) {
      check_name(symbol.name, "a symbol");
      if (!names.insert(symbol.name).second) bad("symbol '{}': the name is used twice", symbol.name);
      if (symbol.maximum < 1 || symbol.maximum > limits::kSymbol) {
        bad("symbol '{}': maximum {}; legal: 1 to {}", symbol.name, symbol.maximum, limits::kSymbol);
      }
    }
  }

  bool is_dimension(int index) const {
    return index >= 0 && static_cast<std::size_t>(index) < graph_.space.dimensions.size();
  }

  void check_value(const Node& node, const char* what, int64_t value, int64_t least, int64_t most) const {
    if (value < least || value > most) bad("node '{}': {} is {}; legal: {} to {}", node.name, what, value, least, most);
  }

  // Every value that the extent can take lies in [least, most].
  void check_extent(const Node& node, const char* what, const Extent& extent, int64_t least, int64_t most,
                    bool symbols = false) const {
    if (extent.symbol == -1 && extent.per_symbol != 0)
      bad("node '{}': {} depends on no symbol but has a factor", node.name, what);
    int64_t per_maximum = 0;
    if (extent.symbol != -1) {
      if (!symbols) bad("node '{}': {} depends on a run-time symbol; only an input's height may", node.name, what);
      if (extent.symbol < 0 || static_cast<std::size_t>(extent.symbol) >= graph_.symbols.size()) {
        bad("node '{}': {} depends on symbol {}; there are {}", node.name, what, extent.symbol, graph_.symbols.size());
      }
      check_value(node, what, extent.per_symbol, 0, limits::kPixels);
      per_maximum = extent.per_symbol * graph_.symbols[static_cast<std::size_t>(extent.symbol)].maximum;
    }
    if (extent.by.empty()) {
      if (!extent.table.empty()) bad("node '{}': {} has a table over no dimensions", node.name, what);
      check_value(node, what, extent.constant, least, most);
      check_value(node, what, extent.constant + per_maximum, least, most);
      return;
    }
    uint64_t combinations = 1;
    std::unordered_set<int> seen;
    for (int index : extent.by) {
      if (!is_dimension(index)) {
        bad("node '{}': {} is a table over dimension {}; there are {}", node.name, what, index,
            graph_.space.dimensions.size());
      }
      const Dimension& dimension = graph_.space.dimensions[static_cast<std::size_t>(index)];
      if (!seen.insert(index).second) bad("node '{}': {} is a table over '{}' twice", node.name, what, dimension.name);
      combinations *= dimension.choices.size();
      if (combinations > extent.table.size()) break;  // also keeps the product small
    }
    if (combinations != extent.table.size()) {
      bad("node '{}': {} has a table of {} entries; it needs exactly one for each choice of its dimensions", node.name,
          what, extent.table.size());
    }
    for (const auto& [key, value] : extent.table) {  // distinct, legal and as many as there are: complete
      if (key.size() != extent.by.size()) {
        bad("node '{}': {} has a table entry with {} choices; legal: {}", node.name, what, key.size(),
            extent.by.size());
      }
      for (std::size_t i = 0; i < key.size(); ++i) {
        const Dimension& dimension = graph_.space.dimensions[static_cast<std::size_t>(extent.by[i])];
        if (!std::binary_search(dimension.choices.begin(), dimension.choices.end(), key[i])) {
          bad("node '{}': {} has a table entry for {}={}; legal: {}", node.name, what, dimension.name, key[i],
              fmt::join(dimension.choices, ", "));
        }
      }
      check_value(node, what, value, least, most);
      check_value(node, what, value + per_maximum, least, most);
    }
  }

  void check_before(const Node& node, int self, int index, const char* what) const {
    if (index < 0 || index >= self) {
      bad("node '{}': {} is node {}; legal: one that is listed before it, 0 to {}", node.name, what, index, self - 1);
    }
  }

  void check_edges(const Node& node, int self) const {
    static const std::unordered_map<Op, std::pair<int64_t, int64_t>> counts = {
        {Op::kInput, {0, 0}}, {Op::kMultiply, {2, 2}}, {Op::kAttention, {3, 3}}};
    const auto found = counts.find(node.op);
    const auto [least, most] = found != counts.end() ? found->second : std::pair<int64_t, int64_t>{1, limits::kInputs};
    check_value(node, "the number of inputs", static_cast<int64_t>(node.inputs.size()), least, most);
    for (const Input& input : node.inputs) {
      check_before(node, self, input.node, "an input");
      check_extent(node, "the first channel of an input", input.from, 0, limits::kChannels);
      check_extent(node, "the channel count of an input", input.count, -1, limits::kChannels);
      check_extent(node, "weight_from of an input", input.weight_from, 0, limits::kChannels);
    }
    const bool weighted = node.op == Op::kConv2d || node.op == Op::kLinear;
    if (node.residual != -1) {
      if (!weighted)
        bad("node '{}': {} has a residual; legal: conv2d and linear, or use add", node.name, op_name(node.op));
      check_before(node, self, node.residual, "the residual");
    }
    for (const Presence& presence : node.when) {
      if (presence.dimension == -1) continue;
      if (!is_dimension(presence.dimension)) {
        bad("node '{}': present by dimension {}; there are {}", node.name, presence.dimension,
            graph_.space.dimensions.size());
      }
      const Dimension& dimension = graph_.space.dimensions[static_cast<std::size_t>(presence.dimension)];
      for (int64_t value : presence.choices) {
        if (!std::binary_search(dimension.choices.begin(), dimension.choices.end(), value)) {
          bad("node '{}': present when {}={}; legal: {}", node.name, dimension.name, value,
              fmt::join(dimension.choices, ", "));
        }
      }
    }
    if (node.when_absent == WhenAbsent::kBypass && !node.when.empty()) {
      const bool whole = !node.inputs.empty() && is_constant(node.inputs.front().from, 0) &&
                         is_constant(node.inputs.front().count, -1);
      if (!whole) bad("node '{}': it can only be bypassed if it reads all of its first input", node.name);
    }
  }

  static bool is_constant(const Extent& extent, int64_t value) {
    return extent.by.empty() && extent.symbol == -1 && extent.constant == value;
  }

  void check_weighted(const Node& node) const {
    if (node.weight.empty()) bad("node '{}': {} without a weight tensor", node.name, op_name(node.op));
    if (node.op == Op::kLinear && (!is_constant(node.kernel, 1) || node.stride != 1 || !is_constant(node.groups, 1) ||
                                   node.depthwise || !node.transforms.empty())) {
      bad("node '{}': linear with a kernel, stride, groups or transforms; use conv2d", node.name);
    }
    check_count(node.transforms.size(), limits::kTransforms, "kernel transforms of node '" + node.name + "'");
    std::unordered_set<int64_t> results;
    for (const KernelTransform& transform : node.transforms) {
      check_value(node, "a transform's source kernel", transform.from, 2, limits::kKernel);
      if (transform.to < 1 || transform.to >= transform.from || (transform.from - transform.to) % 2 != 0) {
        bad("node '{}': a kernel of {} cannot be cropped to {}; legal: smaller by an even number", node.name,
            transform.from, transform.to);
      }
      if (transform.matrix.empty()) bad("node '{}': a kernel transform without a matrix", node.name);
      if (!results.insert(transform.to).second) {
        bad("node '{}': two kernel transforms make a kernel of {}", node.name, transform.to);
      }
    }
    if (node.norm && (!std::isfinite(node.norm->epsilon) || node.norm->epsilon < 0 || node.norm->epsilon > 1)) {
      bad("node '{}': the norm's epsilon is {}; legal: 0 to 1", node.name, node.norm->epsilon);
    }
  }

  void check_node(const Node& node, int self) const {
    if (node.op < Op::kInput || node.op > Op::kAttention)
      bad("node '{}': unknown operator {}", node.name, static_cast<int>(node.op));
    if (node.activation < Activation::kNone || node.activation > Activation::kRelu6) {
      bad("node '{}': unknown activation {}", node.name, static_cast<int>(node.activation));
    }
    check_edges(node, self);
    const bool weighted = node.op == Op::kConv2d || node.op == Op::kLinear;
    const bool given = (weighted && !node.depthwise) || node.op == Op::kInput;
    check_extent(node, "channels", node.channels, given ? 1 : 0, limits::kChannels);
    check_extent(node, "channels_from", node.channels_from, 0, limits::kChannels);
    check_extent(node, "kernel", node.kernel, 1, limits::kKernel);
    check_extent(node, "groups", node.groups, 1, limits::kChannels);
    check_extent(node, "height", node.height, node.op == Op::kInput ? 0 : 0, limits::kPixels, node.op == Op::kInput);
    check_extent(node, "width", node.width, node.op == Op::kInput ? 1 : 0, limits::kPixels);
    check_value(node, "stride", node.stride, 1, limits::kKernel);
    check_value(node, "padding", node.padding, -1, limits::kKernel);
    check_value(node, "heads", node.heads, 1, limits::kChannels);
    check_value(node, "exit", node.exit, 0, limits::kNodes);
    if (weighted) {
      check_weighted(node);
    } else if (!node.weight.empty() || !node.bias.empty() || node.norm || !node.transforms.empty() || node.depthwise) {
      bad("node '{}': {} with weights; legal: conv2d and linear", node.name, op_name(node.op));
    }
    const bool activates = weighted || node.op == Op::kActivation || node.op == Op::kAdd || node.op == Op::kMultiply;
    if (!activates && node.activation != Activation::kNone) {
      bad("node '{}': {} with activation {}; use a node of its own", node.name, op_name(node.op),
          activation_name(node.activation));
    }
    if (node.state) {
      if (node.op != Op::kAttention) bad("node '{}': {} with state; legal: attention", node.name, op_name(node.op));
      if (node.state->symbol < 0 || static_cast<std::size_t>(node.state->symbol) >= graph_.symbols.size()) {
        bad("node '{}': its state is counted by symbol {}; there are {}", node.name, node.state->symbol,
            graph_.symbols.size());
      }
    }
    if (node.edge.dtype != DType::kF32) {
      fail(ErrorCode::kUnsupported, "node '{}': its output is {}; this version computes in F32 only", node.name,
           dtype_name(node.edge.dtype));
    }
  }

  const Graph& graph_;
};

}  // namespace

void check(const Graph& graph) {
  try {
    GraphCheck(graph).run();
  } catch (const Error& error) {
    throw Error(error.code(), fmt::format("graph '{}': {}", graph.name.substr(0, 256), error.what()));
  }
}

}  // namespace limber
