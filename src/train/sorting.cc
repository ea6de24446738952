// SPDX-License-Identifier: Apache-2.0
#include "train/sorting.h"

#include <algorithm>
#include <numeric>
#include <set>

#include "train/sampler.h"

namespace limber::train {
namespace {

using torch::Tensor;

bool is_zero(const Extent& extent) {
  return extent.by.empty() && extent.constant == 0 && extent.symbol < 0;
}

// Every node's output channels belong to one axis; nodes whose channels must stay aligned share it.
class Axes {
 public:
  explicit Axes(const Graph& graph) : graph_(graph), parent_(graph.nodes.size()) {
    std::iota(parent_.begin(), parent_.end(), 0);
    for (std::size_t i = 0; i < graph.nodes.size(); ++i) visit(static_cast<int>(i));
    fix(static_cast<int>(graph.nodes.size()) - 1);  // the classes
    fix_tied();
  }

  int of(int node) const {
    while (parent_[static_cast<std::size_t>(node)] != node) node = parent_[static_cast<std::size_t>(node)];
    return node;
  }
  bool fixed(int node) const { return fixed_.count(of(node)) != 0; }
  // Conv2d or linear that mixes channels: its output axis is another than its input axis.
  static bool mixes(const Node& node) { return (node.op == Op::kConv2d || node.op == Op::kLinear) && !node.depthwise; }

 private:
  void join(int a, int b) {
    const bool either = fixed(a) || fixed(b);
    parent_[static_cast<std::size_t>(of(a))] = of(b);
    if (either) fix(b);
  }
  void fix(int node) { fixed_.insert(of(node)); }

  void visit(int index) {
    const Node& node = graph_.nodes[static_cast<std::size_t>(index)];
    if (node.op == Op::kInput) fix(index);
    if (node.residual >= 0) join(index, node.residual);
    const bool mixing = mixes(node), several = node.inputs.size() > 1;
    const bool adds = node.op == Op::kAdd || node.op == Op::kMultiply;
    for (const Input& input : node.inputs) {
      const bool whole = input.count.by.empty() && input.count.constant == -1;
      const bool prefix = whole && is_zero(input.from) && is_zero(input.weight_from);
      if (!prefix || (several && !adds)) fix(input.node);  // a concatenation has its own order
      if (mixing && !(node.groups.by.empty() && node.groups.constant == 1)) fix(input.node);
      if (!mixing && !(several && !adds)) join(index, input.node);
    }
    if (!mixing && several && !adds) fix(index);
    if (mixing && (!is_zero(node.channels_from) || !(node.groups.by.empty() && node.groups.constant == 1))) fix(index);
    for (const Input& input : node.inputs) join_bypassed(node, input.node);
    if (node.residual >= 0) join_bypassed(node, node.residual);
  }

  // Where `from` vanishes and its reader does not, the reader gets what the whole vanishing part (a block) reads.
  void join_bypassed(const Node& reader, int from) {
    while (vanishes(from) && !same(at(from).when, reader.when)) {
      int before = from;
      while (vanishes(before) && same(at(before).when, at(from).when)) before = at(before).inputs.front().node;
      join(from, before);
      from = before;
    }
  }
  const Node& at(int node) const { return graph_.nodes[static_cast<std::size_t>(node)]; }
  bool vanishes(int node) const {
    return at(node).when_absent == WhenAbsent::kBypass && !at(node).when.empty() && !at(node).inputs.empty();
  }
  static bool same(const std::vector<Presence>& a, const std::vector<Presence>& b) {
    return std::ranges::equal(a, b, [](const Presence& one, const Presence& other) {
      return one.dimension == other.dimension && one.choices == other.choices;
    });
  }

  // A tensor that two nodes use cannot follow two orders.
  void fix_tied() {
    std::map<std::string, int> user;
    for (std::size_t i = 0; i < graph_.nodes.size(); ++i) {
      const Node& node = graph_.nodes[i];
      if (node.weight.empty()) continue;
      const auto [other, fresh] = user.emplace(node.weight, static_cast<int>(i));
      if (fresh) continue;
      for (const int one : {other->second, static_cast<int>(i)}) {
        fix(one);
        for (const Input& input : graph_.nodes[static_cast<std::size_t>(one)].inputs) fix(input.node);
      }
    }
  }

  const Graph& graph_;
  std::vector<int> parent_;
  std::set<int> fixed_;
};

void reorder(Tensors& weights, const std::string& name, int64_t dimension, const Tensor& order) {
  if (name.empty()) return;
  Tensor& tensor = weights.at(name);
  tensor.copy_(tensor.index_select(dimension, order));
}

}  // namespace

int64_t sort_channels(const Graph& graph, Tensors& weights) {
  torch::NoGradGuard guard;
  const Axes axes(graph);
  std::map<int, Tensor> importance;  // by axis
  std::set<int> elastic;
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    const Node& node = graph.nodes[i];
    if (!Axes::mixes(node)) continue;
    if (!node.channels.by.empty() && !axes.fixed(static_cast<int>(i))) elastic.insert(axes.of(static_cast<int>(i)));
    const Tensor& weight = weights.at(node.weight);
    std::vector<int64_t> others = {0};
    if (weight.dim() == 4) others = {0, 2, 3};
    for (const Input& input : node.inputs) {
      if (axes.fixed(input.node)) continue;
      Tensor& sum = importance[axes.of(input.node)];
      const Tensor here = weight.abs().sum(others);
      sum = sum.defined() ? sum + here : here;
    }
  }
  int64_t sorted = 0;
  for (const int axis : elastic) {
    const auto found = importance.find(axis);
    if (found == importance.end()) continue;
    const Tensor order = std::get<1>(found->second.sort(/*stable=*/true, 0, /*descending=*/true));
    for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
      const Node& node = graph.nodes[i];
      if (node.op != Op::kConv2d && node.op != Op::kLinear) continue;
      if (axes.of(static_cast<int>(i)) == axis) {  // makes these channels
        reorder(weights, node.weight, 0, order);
        reorder(weights, node.bias, 0, order);
        if (node.norm) {
          for (const std::string& name : {node.norm->weight, node.norm->bias, node.norm->mean, node.norm->variance})
            reorder(weights, name, 0, order);
        }
      }
      if (Axes::mixes(node) && axes.of(node.inputs.front().node) == axis) reorder(weights, node.weight, 1, order);
    }
    ++sorted;
  }
  return sorted;
}

}  // namespace limber::train
