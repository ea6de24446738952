// SPDX-License-Identifier: Apache-2.0
#include "design/cut_points.h"

#include <algorithm>
#include <set>

#include "base/error.h"

namespace limber {
namespace {

// The node as this choice makes it: nothing depends on a dimension any more. index: graph node -> node of the part.
Node fixed(const Graph& graph, const SubNode& part, const std::vector<int>& index, bool raw) {
  const auto local = [&](int node) { return index[static_cast<std::size_t>(node)]; };
  Node node = graph.nodes[static_cast<std::size_t>(part.node)];
  node.when.clear();
  node.when_absent = WhenAbsent::kDrop;
  node.exit = 0;
  node.inputs.clear();
  for (const Range& range : part.inputs) {
    node.inputs.push_back({local(range.node), range.from, range.count, range.weight_from});
  }
  node.channels = node.op == Op::kConv2d || node.op == Op::kLinear ? part.channels : 0;
  node.channels_from = part.channels_from;
  node.kernel = part.kernel;
  node.groups = node.depthwise ? 1 : part.groups;
  if (raw) {
    node.norm.reset();
    node.activation = Activation::kNone;
    node.residual = -1;
  }
  if (node.residual >= 0) node.residual = local(part.residual);
  return node;
}

// What `to` needs of the nodes from `from` on.
std::vector<bool> needed_for(const SubNetwork& sub, std::size_t from, std::size_t to, bool raw) {
  std::vector<bool> needed(to + 1, false);
  needed[to] = true;
  for (std::size_t i = to; i > from; --i) {
    if (!needed[i]) continue;
    const auto need = [&](int node) {
      needed[static_cast<std::size_t>(sub.position[static_cast<std::size_t>(node)])] = true;
    };
    for (const Range& range : sub.nodes[i].inputs) need(range.node);
    if (sub.nodes[i].residual >= 0 && !(raw && i == to)) need(sub.nodes[i].residual);
  }
  return needed;
}

void name_tensors(const Node& node, std::set<std::string>* names) {
  for (const std::string* name : {&node.weight, &node.bias}) {
    if (!name->empty()) names->insert(*name);
  }
  if (node.norm) names->insert({node.norm->weight, node.norm->bias, node.norm->mean, node.norm->variance});
  for (const KernelTransform& transform : node.transforms) names->insert(transform.matrix);
}

}  // namespace

std::vector<std::size_t> cut_points(const SubNetwork& sub) {
  const std::size_t count = sub.nodes.size();
  std::vector<std::size_t> earliest(count + 1, count);  // read by this node or a later one
  for (std::size_t i = count; i-- > 0;) {
    earliest[i] = earliest[i + 1];
    const auto read = [&](int node) {
      earliest[i] = std::min(earliest[i], static_cast<std::size_t>(sub.position[static_cast<std::size_t>(node)]));
    };
    for (const Range& range : sub.nodes[i].inputs) read(range.node);
    if (sub.nodes[i].residual >= 0) read(sub.nodes[i].residual);
  }
  std::vector<std::size_t> cuts;
  for (std::size_t i = 0; i < count; ++i) {
    if (earliest[i + 1] >= i) cuts.push_back(i);
  }
  return cuts;
}

Network part_network(const Network& network, const SubNetwork& sub,
                     const std::vector<std::pair<std::string, Norm>>& norms, std::size_t from, std::size_t to,
                     bool raw) {
  const Graph& graph = network.graph;
  Network part;
  part.name = part.graph.name = network.name;
  std::set<std::string> names;
  Member member;
  member.name = "part";
  const std::vector<bool> needed = needed_for(sub, from, to, raw);
  std::vector<int> index(graph.nodes.size(), -1);
  for (std::size_t i = from; i <= to; ++i) {
    if (!needed[i]) continue;
    const SubNode& each = sub.nodes[i];
    const Node& whole = graph.nodes[static_cast<std::size_t>(each.node)];
    if (each.height.symbol >= 0 || whole.state) {
      fail(ErrorCode::kUnsupported, "network '{}': node '{}' depends on a run-time symbol; this works on images only",
           network.name, whole.name);
    }
    index[static_cast<std::size_t>(each.node)] = static_cast<int>(part.graph.nodes.size());
    if (i == from) {
      Node input;
      input.name = whole.name;
      input.channels = each.channels;
      input.height = each.height.constant;
      input.width = each.width;
      part.graph.nodes.push_back(input);
      if (whole.op == Op::kInput) part.preprocessing = network.preprocessing;
      continue;
    }
    Node node = fixed(graph, each, index, raw && i == to);
    for (const auto& [name, norm] : norms) {
      if (name != node.name || !node.norm) continue;
      member.norms.emplace_back(name, norm);
      names.insert({norm.weight, norm.bias, norm.mean, norm.variance});
    }
    name_tensors(node, &names);
    part.graph.nodes.push_back(std::move(node));
  }
  for (const Tensor& tensor : network.tensors) {
    if (names.contains(tensor.name)) part.tensors.push_back(tensor);
  }
  part.family.push_back(std::move(member));
  return part;
}

}  // namespace limber
