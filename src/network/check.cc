// SPDX-License-Identifier: Apache-2.0
#include "network/check.h"

#include <fmt/ranges.h>
#include <algorithm>
#include <cmath>
#include <cstring>
#include <unordered_map>
#include <unordered_set>

#include "base/error.h"
#include "network/limits.h"
#include "network/sub_network.h"

namespace limber {
namespace {

template <typename... Args>
[[noreturn]] void bad(fmt::format_string<Args...> format, Args&&... args) {
  fail(ErrorCode::kBadFile, format, std::forward<Args>(args)...);
}

// Names are shown in messages and tables: no control characters, no megabytes.
void check_name(const std::string& name, const std::string& what) {
  const bool printable =
      std::none_of(name.begin(), name.end(), [](char c) { return static_cast<unsigned char>(c) < 32; });
  if (name.empty() || name.size() > 256 || !printable) {
    bad("{} has an illegal name of {} bytes; legal: 1 to 256 printable ones", what, name.size());
  }
}

void check_count(std::size_t found, int64_t most, const std::string& what) {
  if (found > static_cast<std::size_t>(most)) bad("{} {}; legal: up to {}", found, what, most);
}

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
    if (node.activation < Activation::kNone || node.activation > Activation::kHardSigmoid) {
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

class TensorCheck {
 public:
  explicit TensorCheck(const Network& network) : network_(network) {
    for (const Tensor& tensor : network.tensors) {
      check_name(tensor.name, "a tensor");
      if (!index_.emplace(tensor.name, &tensor).second) bad("tensor '{}': the name is used twice", tensor.name);
      check_tensor(tensor);
    }
  }

  // What every choice needs: the tensors exist, and those of one node fit each other.
  void check_nodes() const {
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

  void check_member(const Member& member) const {
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

  // The slices of this choice lie inside the weights.
  void check_sub_network(const SubNetwork& sub) const {
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

 private:
  template <typename... Args>
  [[noreturn]] void refuse(const Node& node, const SubNetwork& sub, fmt::format_string<Args...> format,
                           Args&&... args) const {
    bad("graph '{}', choice '{}': node '{}': {}", network_.graph.name, to_string(network_.graph.space, sub.choice),
        node.name, fmt::format(format, std::forward<Args>(args)...));
  }

  void check_tensor(const Tensor& tensor) const {
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

  const Tensor& find(const Node& node, const std::string& name) const {
    const auto found = index_.find(name);
    if (found == index_.end()) bad("node '{}': there is no tensor '{}'", node.name, name);
    return *found->second;
  }

  void require_float(const Node& node, const Tensor& tensor) const {
    if (tensor.dtype == DType::kI8) {
      fail(ErrorCode::kUnsupported, "node '{}': tensor '{}' is I8; this version runs F32 and F16 weights", node.name,
           tensor.name);
    }
  }

  void check_vector(const Node& node, const std::string& name, std::initializer_list<int64_t> legal) const {
    const Tensor& tensor = find(node, name);
    const bool fits = tensor.shape.size() == 1 && std::find(legal.begin(), legal.end(), tensor.shape[0]) != legal.end();
    if (!fits) {
      bad("node '{}': tensor '{}' has shape [{}]; legal: [{}]", node.name, name, fmt::join(tensor.shape, ", "),
          fmt::join(legal, "] or ["));
    }
    require_float(node, tensor);
  }

  void check_norm(const Node& node, const Norm& norm, std::initializer_list<int64_t> legal) const {
    for (const std::string* name : {&norm.weight, &norm.bias, &norm.mean, &norm.variance})
      check_vector(node, *name, legal);
    if (!std::isfinite(norm.epsilon) || norm.epsilon < 0 || norm.epsilon > 1) {
      bad("node '{}': the norm's epsilon is {}; legal: 0 to 1", node.name, norm.epsilon);
    }
  }

  void check_kernel(const Node& node, const SubNetwork& sub, int64_t wanted, int64_t stored) const {
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

  const Network& network_;
  std::unordered_map<std::string, const Tensor*> index_;
};

void check_preprocessing(const Network& network) {
  const Preprocessing& preprocessing = network.preprocessing;
  if (preprocessing.mean.size() != preprocessing.deviation.size()) {
    bad("preprocessing: {} means and {} deviations; legal: one each per channel", preprocessing.mean.size(),
        preprocessing.deviation.size());
  }
  for (float mean : preprocessing.mean) {
    if (!std::isfinite(mean)) bad("preprocessing: a mean of {}; legal: finite numbers", mean);
  }
  for (float deviation : preprocessing.deviation) {
    if (!std::isfinite(deviation) || deviation <= 0) bad("preprocessing: a deviation of {}; legal: above 0", deviation);
  }
  if (preprocessing.mean.empty()) return;
  for (const Member& member : network.family) {
    const SubNetwork sub = resolve(network.graph, member.choice);
    for (const SubNode& node : sub.nodes) {
      if (network.graph.nodes[static_cast<std::size_t>(node.node)].op != Op::kInput) continue;
      if (static_cast<std::size_t>(node.channels) != preprocessing.mean.size()) {
        bad("preprocessing: {} means, but member '{}' has {} input channels", preprocessing.mean.size(), member.name,
            node.channels);
      }
    }
  }
}

}  // namespace

void check(const Graph& graph) {
  try {
    GraphCheck(graph).run();
  } catch (const Error& error) {
    throw Error(error.code(), fmt::format("graph '{}': {}", graph.name.substr(0, 256), error.what()));
  }
}

void check(const Network& network) {
  check(network.graph);
  const TensorCheck tensors(network);
  tensors.check_nodes();
  check_count(network.family.size(), limits::kFamily, "members");
  if (network.family.empty()) bad("network '{}': the family has no members; it needs at least one", network.name);
  std::unordered_set<std::string> names;
  for (const Member& member : network.family) {
    check_name(member.name, "a member");
    if (!names.insert(member.name).second) bad("member '{}': the name is used twice", member.name);
    try {
      tensors.check_member(member);
    } catch (const Error& error) {
      const ErrorCode code = error.code() == ErrorCode::kInvalidArgument ? ErrorCode::kBadFile : error.code();
      throw Error(code, fmt::format("member '{}': {}", member.name, error.what()));
    }
  }
  check_preprocessing(network);
}

void check_sub_network(const Network& network, const Choice& choice) {
  try {
    TensorCheck(network).check_sub_network(resolve(network.graph, choice));
  } catch (const Error& error) {
    throw Error(error.code() == ErrorCode::kBadFile ? ErrorCode::kInvalidArgument : error.code(), error.what());
  }
}

const Tensor* find_tensor(const Network& network, const std::string& name) {
  const auto found = std::find_if(network.tensors.begin(), network.tensors.end(),
                                  [&](const Tensor& tensor) { return tensor.name == name; });
  return found == network.tensors.end() ? nullptr : &*found;
}

}  // namespace limber
