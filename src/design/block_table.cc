// SPDX-License-Identifier: Apache-2.0
// Blocks of a sub-network, and what a table says about them; its file is in block_table_file.cc.
#include "design/block_table.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "base/error.h"
#include "design/cut_points.h"

namespace limber {
namespace {

bool is_dense(const Node& node) {
  return (node.op == Op::kConv2d && !node.depthwise) || node.op == Op::kLinear;
}

// A plan may compute a depthwise convolution together with its producer, a mean together with what it is taken of, and
// a squeeze-excite together with its reader: there choices on both sides interact.
bool may_end(const Graph& graph, const SubNetwork& sub, std::size_t position) {
  if (position + 1 == sub.nodes.size()) return true;
  const Node& node = graph.nodes[static_cast<std::size_t>(sub.nodes[position].node)];
  if (node.op == Op::kInput || node.op == Op::kMultiply || node.depthwise) return false;
  return is_dense(graph.nodes[static_cast<std::size_t>(sub.nodes[position + 1].node)]);
}

std::string shape_of(const Graph& graph, const SubNetwork& sub, std::size_t first, std::size_t last) {
  const auto local = [&](int node) {  // 0: what the block reads
    return sub.position[static_cast<std::size_t>(node)] - static_cast<int>(first) + 1;
  };
  std::string text;
  if (first > 0) {
    const SubNode& before = sub.nodes[first - 1];
    text = fmt::format("{}x{}x{}", before.channels, before.height.constant, before.width);
  }
  for (std::size_t i = first; i <= last; ++i) {
    const SubNode& part = sub.nodes[i];
    const Node& node = graph.nodes[static_cast<std::size_t>(part.node)];
    text += fmt::format("{}{}{} {}x{}x{}", text.empty() ? "" : "; ", node.depthwise ? "depthwise " : "",
                        op_name(node.op), part.channels, part.height.constant, part.width);
    if (part.kernel != 1 || node.stride != 1 || part.padding != 0)
      text += fmt::format(" k{}/{}/{}", part.kernel, node.stride, part.padding);
    if (!node.depthwise && part.groups != 1) text += fmt::format(" g{}", part.groups);
    if (node.heads != 1) text += fmt::format(" h{}", node.heads);
    for (const Range& range : part.inputs) {
      text += fmt::format(" <{}", local(range.node));
      if (range.from != 0 || range.count != sub.of(range.node).channels)
        text += fmt::format("[{}+{}]", range.from, range.count);
    }
    if (part.residual >= 0) text += fmt::format(" +{}", local(part.residual));
    if (node.activation != Activation::kNone) text += fmt::format(" {}", activation_name(node.activation));
  }
  return text;
}

std::string or_unknown(const std::string& text) {
  return text.empty() ? "unknown" : text;
}

}  // namespace

std::vector<Block> blocks_of(const Graph& graph, const SubNetwork& sub) {
  for (const SubNode& part : sub.nodes) {
    const Node& node = graph.nodes[static_cast<std::size_t>(part.node)];
    if (part.height.symbol >= 0 || node.state) {
      fail(ErrorCode::kUnsupported,
           "graph '{}': node '{}' depends on a run-time symbol; block tables are for images only", graph.name,
           node.name);
    }
  }
  std::vector<Block> blocks;
  std::size_t first = 0;
  for (const std::size_t cut : cut_points(sub)) {
    if (!may_end(graph, sub, cut)) continue;
    blocks.push_back({first, cut, shape_of(graph, sub, first, cut)});
    first = cut + 1;
  }
  return blocks;
}

double BlockTable::latency_ms(const Graph& graph, const Choice& choice) const {
  double sum = overhead_ms;
  for (const Block& block : blocks_of(graph, resolve(graph, choice))) {
    const auto found = blocks.find(block.shape);
    if (found == blocks.end()) {
      fail(ErrorCode::kInvalidArgument,
           "the block table of '{}' has no block '{}', which choice '{}' of '{}' needs; measure one for this network: "
           "limber profile MODEL --blocks --output FILE",
           key.network, block.shape, to_string(graph.space, choice), graph.name);
    }
    sum += found->second.median_ms;
  }
  return sum;
}

double BlockTable::energy_modelled_mj(const Graph& graph, const Choice& choice) const {
  if (!energy) {
    fail(
        ErrorCode::kUnsupported,
        "the block table of '{}' says nothing about power: the machine had no energy sensor that could be read when it "
        "was measured ({}); measure it where /sys/class/powercap has a readable energy counter",
        key.network, or_unknown(key.date));
  }
  return energy->watts * latency_ms(graph, choice);
}

std::vector<std::string> check_block_table(const BlockTable& table, const std::string& isa, const Machine& machine,
                                           const std::string& where) {
  const BlockTableKey& was = table.key;
  std::vector<std::string> differences, warnings;
  const auto compare = [&](const char* what, const std::string& measured, const std::string& here) {
    if (measured != here)
      differences.push_back(fmt::format("{} '{}' (here '{}')", what, or_unknown(measured), or_unknown(here)));
  };
  compare("CPU", was.cpu_model, machine.cpu_model);
  compare("ISA", was.isa, isa);
  compare("precision", was.precision, "f32");
  if (!differences.empty()) {
    fail(ErrorCode::kInvalidArgument,
         "{}: these times are of another machine: {}. Measure here with: limber profile MODEL --blocks --output FILE",
         where, fmt::join(differences, "; "));
  }
  if (was.governor != machine.governor || was.frequency_khz != machine.frequency_khz) {
    warnings.push_back(fmt::format("{}: measured with governor {} up to {} MHz; now {} up to {} MHz", where,
                                   or_unknown(was.governor), was.frequency_khz / 1000, or_unknown(machine.governor),
                                   machine.frequency_khz / 1000));
  }
  if (was.logical_cpus != machine.logical_cpus) {
    warnings.push_back(fmt::format("{}: measured where there were {} logical CPUs; now {}", where, was.logical_cpus,
                                   machine.logical_cpus));
  }
  if (was.limber != LIMBER_VERSION)
    warnings.push_back(
        fmt::format("{}: measured by limber {}; this is {}", where, or_unknown(was.limber), LIMBER_VERSION));
  return warnings;
}

}  // namespace limber
