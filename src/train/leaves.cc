// SPDX-License-Identifier: Apache-2.0
#include "train/leaves.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "network/check.h"
#include "train/tensors.h"

namespace limber::train {

using torch::Tensor;

namespace {

bool is_fresh(const Step& step, const SubNode& sub) {
  return step.fresh[static_cast<std::size_t>(sub.node)];
}

// The nodes with weights that a step adds, in the graph's order, without the answer.
std::vector<const SubNode*> added(const Graph& graph, const Step& step) {
  std::vector<const SubNode*> nodes;
  for (const SubNode& sub : step.network.nodes) {
    const Op op = graph.nodes[static_cast<std::size_t>(sub.node)].op;
    if (sub.node != step.answer && is_fresh(step, sub) && (op == Op::kConv2d || op == Op::kLinear))
      nodes.push_back(&sub);
  }
  return nodes;
}

std::vector<std::string> vectors_of(const Node& node) {
  std::vector<std::string> names;
  if (!node.bias.empty()) names.push_back(node.bias);
  if (node.norm) names.insert(names.end(), {node.norm->weight, node.norm->bias, node.norm->mean, node.norm->variance});
  return names;
}

}  // namespace

void Leaves::allocate() {
  leaves_.clear();
  const auto add = [&](const std::string& name, std::vector<Range> columns, bool scale_free = false) {
    for (const Leaf& leaf : leaves_) {
      if (leaf.name == name) return;  // a tied tensor
    }
    Tensor value = weights_.at(name);
    if (!columns.empty()) {
      std::vector<Tensor> parts;
      for (const Range& range : columns) parts.push_back(value.narrow(1, range.weight_from, range.count));
      value = torch::cat(parts, 1);
    }
    leaves_.push_back(make_leaf(name, channels_last(value.detach().clone()), true, scale_free));
    leaves_.back().columns = std::move(columns);
  };
  for (const SubNode& sub : step().network.nodes) {
    const Node& node = node_of(sub);
    if (node.op != Op::kConv2d && node.op != Op::kLinear) continue;
    if (!is_answer(sub) && !is_fresh(step(), sub)) continue;
    add(node.weight, is_answer(sub) ? step().new_ranges : std::vector<Range>{}, scale_free(node));
    if (!is_fresh(step(), sub)) continue;
    if (!node.bias.empty()) add(node.bias, {});
    if (node.norm) {
      add(node.norm->weight, {});
      add(node.norm->bias, {});
    }
  }
}

void Leaves::make(int64_t step_number) {
  torch::NoGradGuard guard;
  step_ = step_number;
  torch::manual_seed(static_cast<uint64_t>(recipe_.seed) * 1000 + static_cast<uint64_t>(step_));
  const bool copy = recipe_.begin == Begin::kPrevious && step_ > 0;
  for (const SubNode& sub : step().network.nodes) {
    const Node& node = node_of(sub);
    if (node.op != Op::kConv2d && node.op != Op::kLinear) continue;
    if (!is_answer(sub) && !is_fresh(step(), sub)) continue;
    Tensor& whole = weights_.at(node.weight);
    Tensor w = whole.clone();
    if (copy)
      copy_previous(sub, w);
    else
      random(sub, w);
    if (start_ != nullptr) copy_start(sub, w);
    if (!is_answer(sub)) {
      whole.copy_(w);
      continue;
    }
    for (const Range& range : step().new_ranges)  // the other columns are frozen
      whole.narrow(1, range.weight_from, range.count).copy_(w.narrow(1, range.weight_from, range.count));
  }
  allocate();
}

void Leaves::restore(int64_t step_number, const Tensors& momenta) {
  torch::NoGradGuard guard;
  step_ = step_number;
  allocate();
  for (Leaf& leaf : leaves_) leaf.momentum.copy_(momenta.at(leaf.name));
}

void Leaves::random(const SubNode& sub, Tensor& w) const {
  const Node& node = node_of(sub);
  if (is_answer(sub)) {
    // Only the new columns draw numbers, so a step does not depend on how many come after it.
    int64_t inputs = 0;
    for (const Range& range : step().new_ranges) inputs += range.count;
    for (const Range& range : step().new_ranges)
      w.narrow(1, range.weight_from, range.count)
          .copy_(torch::randn({w.size(0), range.count}).mul_(std::sqrt(1.0 / static_cast<double>(inputs))));
    return;
  }
  w.copy_(random_weight(w.sizes().vec(), node));
  if (recipe_.join > 0 && step_ > 0 && node.op == Op::kConv2d && sub.groups == 1 && !node.depthwise) {
    Tensor own = torch::zeros_like(w);  // what reads earlier groups starts at zero
    for (const Range& range : Interpreter::ranges_alone(step(), sub))
      own.narrow(1, range.weight_from, range.count).copy_(w.narrow(1, range.weight_from, range.count));
    w = own;
  }
}

void Leaves::copy_previous(const SubNode& sub, Tensor& w) const {
  const Step& before = steps_[static_cast<std::size_t>(step_ - 1)];
  const Node& node = node_of(sub);
  const auto refuse = [&] {
    fail(ErrorCode::kBadFile,
         "{}: training.begin = \"previous\" copies the group before, but node '{}' of network '{}' has no counterpart "
         "of "
         "the same shape there; give \"random\"",
         recipe_.path, node.name, graph_.name);
  };
  // Copies column ranges of equal widths, in order.
  const auto copy = [&](const Tensor& from, const std::vector<Range>& old, const std::vector<Range>& now) {
    if (old.size() != now.size() || from.size(0) != w.size(0)) refuse();
    for (std::size_t i = 0; i < now.size(); ++i) {
      if (old[i].count != now[i].count) refuse();
      w.narrow(1, now[i].weight_from, now[i].count).copy_(from.narrow(1, old[i].weight_from, old[i].count));
    }
  };
  if (is_answer(sub)) {
    copy(weights_.at(node.weight), before.new_ranges, step().new_ranges);
    return;
  }
  const std::vector<const SubNode*> now = added(graph_, step()), then = added(graph_, before);
  const auto at = std::find(now.begin(), now.end(), &sub);
  if (now.size() != then.size()) refuse();
  const SubNode& old = *then[static_cast<std::size_t>(at - now.begin())];
  const Node& old_node = node_of(old);
  if (old_node.op != node.op || old.kernel != sub.kernel || old.groups != sub.groups ||
      old_node.depthwise != node.depthwise || old.channels != sub.channels)
    refuse();
  const Tensor from = weights_.at(old_node.weight);
  if (node.depthwise || sub.groups > 1) {
    if (from.sizes() != w.sizes()) refuse();
    w.copy_(from);
  } else {
    w.zero_();  // what reads the previous group itself starts at zero
    copy(from, Interpreter::ranges_alone(before, old), Interpreter::ranges_alone(step(), sub));
    for (const Range& range : sub.inputs) {
      const auto same = std::find_if(old.inputs.begin(), old.inputs.end(), [&](const Range& other) {
        return other.node == range.node && other.from == range.from && other.count == range.count;
      });
      if (same == old.inputs.end() || is_fresh(before, before.network.of(same->node))) continue;
      w.narrow(1, range.weight_from, range.count).copy_(from.narrow(1, same->weight_from, same->count));
    }
  }
  const std::vector<std::string> names = vectors_of(node), old_names = vectors_of(old_node);
  if (names.size() != old_names.size()) refuse();
  for (std::size_t i = 0; i < names.size(); ++i) weights_.at(names[i]).copy_(weights_.at(old_names[i]));
}

void Leaves::copy_start(const SubNode& sub, Tensor& w) const {
  const Node& node = node_of(sub);
  const limber::Tensor* stored = find_tensor(*start_, node.weight);
  if (stored == nullptr) return;
  const Tensor have = to_torch(*stored);
  const std::vector<Range> alone = Interpreter::ranges_alone(step(), sub);
  int64_t narrow = 0;
  for (const Range& range : alone) narrow += range.count;
  if (have.sizes() == w.sizes()) {
    w.copy_(have);
  } else if (!is_answer(sub) && have.dim() == 4 && w.dim() == 4 && have.size(0) == w.size(0) &&
             have.size(1) == narrow && have.size(2) == w.size(2) && have.size(3) == w.size(3)) {
    w.zero_();  // the start has only the node's own group: what reads earlier groups starts at zero
    int64_t from = 0;
    for (const Range& range : alone) {
      w.narrow(1, range.weight_from, range.count).copy_(have.narrow(1, from, range.count));
      from += range.count;
    }
  } else {
    fail(ErrorCode::kBadFile, "{}: tensor '{}' has another shape than network '{}' needs; give another `start` in {}",
         recipe_.start, node.weight, graph_.name, recipe_.path);
  }
  if (!is_fresh(step(), sub)) return;
  for (const std::string& name : vectors_of(node)) {
    const limber::Tensor* other = find_tensor(*start_, name);
    if (other != nullptr && other->shape == weights_.at(name).sizes().vec()) weights_.at(name).copy_(to_torch(*other));
  }
}

void Leaves::copy_to_weights() {
  torch::NoGradGuard guard;
  for (const Leaf& leaf : leaves_) {
    int64_t from = 0;
    if (leaf.columns.empty()) weights_.at(leaf.name).copy_(leaf.value);
    for (const Range& range : leaf.columns) {
      weights_.at(leaf.name).narrow(1, range.weight_from, range.count).copy_(leaf.value.narrow(1, from, range.count));
      from += range.count;
    }
  }
}

void Leaves::scale_answer(double factor) {
  torch::NoGradGuard guard;
  const Node& node = graph_.nodes[static_cast<std::size_t>(step().answer)];
  for (const Range& range : step().new_ranges)
    weights_.at(node.weight).narrow(1, range.weight_from, range.count).mul_(factor);
}

std::vector<std::string> Leaves::trained_names() const {
  std::vector<std::string> names;
  for (const Leaf& leaf : leaves_) names.push_back(leaf.name);
  for (const SubNode& sub : step().network.nodes) {
    const Node& node = node_of(sub);
    if (!is_fresh(step(), sub) || !node.norm) continue;
    names.push_back(node.norm->mean);
    names.push_back(node.norm->variance);
  }
  return names;
}

}  // namespace limber::train
