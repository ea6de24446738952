// SPDX-License-Identifier: Apache-2.0
#include "network/plan_values.h"

#include <algorithm>

namespace limber {

Blocks PlanValues::blocks_of(int value) const {
  const PlanValue& v = values_[static_cast<std::size_t>(value)];
  return blocks_.of_node(v.member, v.part->node);
}

const Norm* PlanValues::norm_of(const PlanValue& value) const {
  const Node& node = node_of(value);
  for (const auto& [name, norm] : network_.family[value.family].norms) {
    if (name == node.name) return &norm;
  }
  return node.norm ? &*node.norm : nullptr;
}

// The value if it is known already; else remembers it, as a continuation where one is possible.
int PlanValues::find(PlanValue& value) {
  const auto same_but_inputs = [&](const PlanValue& other) {
    const SubNode &a = *other.part, &b = *value.part;
    return a.node == b.node && a.channels == b.channels && a.channels_from == b.channels_from && a.kernel == b.kernel &&
           a.groups == b.groups && a.height == b.height && a.width == b.width && other.residual == value.residual &&
           blocks_.of_node(other.member, a.node).starts == blocks_.of_node(value.member, b.node).starts;
  };
  const auto same_norm = [&](const PlanValue& other) {
    const Norm *a = norm_of(other), *b = norm_of(value);
    if (a == nullptr || b == nullptr) return a == b;
    return a->weight == b->weight && a->bias == b->bias && a->mean == b->mean && a->variance == b->variance &&
           a->epsilon == b->epsilon;
  };
  const Op op = node_of(value).op;
  const bool can_continue =
      (op == Op::kConv2d || op == Op::kLinear) && !node_of(value).depthwise && value.part->groups == 1;
  for (std::size_t i = 0; i < values_.size(); ++i) {
    const PlanValue& other = values_[i];
    if (!same_but_inputs(other)) continue;
    if (other.inputs == value.inputs && same_norm(other)) return static_cast<int>(i);
    // Scale and bias come after the sums, so these may differ.
    const bool prefix = other.inputs.size() < value.inputs.size() &&
                        std::equal(other.inputs.begin(), other.inputs.end(), value.inputs.begin());
    if (can_continue && prefix && other.inputs.size() > value.done) {
      value.continues = static_cast<int>(i);
      value.done = other.inputs.size();
    }
  }
  if (value.continues >= 0) values_[static_cast<std::size_t>(value.continues)].continued = true;
  values_.push_back(value);
  return static_cast<int>(values_.size()) - 1;
}

void PlanValues::number(const std::vector<PlanTarget>& targets) {
  for (std::size_t segment = 0; segment < targets.size(); ++segment) {
    const PlanTarget& target = targets[segment];
    std::vector<int> value_of(graph_.nodes.size(), -1);
    for (const SubNode& part : target.sub->nodes) {
      PlanValue value;
      value.part = &part;
      value.member = target.member;
      value.family = target.family;
      value.segment = segment;
      for (Range range : part.inputs) {
        range.node = value_of[static_cast<std::size_t>(range.node)];
        value.inputs.push_back(range);
      }
      if (part.residual >= 0) value.residual = value_of[static_cast<std::size_t>(part.residual)];
      value_of[static_cast<std::size_t>(part.node)] = find(value);
    }
    answers_.push_back(value_of[static_cast<std::size_t>(target.sub->answer().node)]);
  }
  choose_materialised();
}

// A concatenation needs no memory where its readers can read its parts one after another.
void PlanValues::choose_materialised() {
  materialised_.assign(values_.size(), false);
  for (std::size_t i = 0; i < values_.size(); ++i) materialised_[i] = node_of(values_[i]).op != Op::kConcat;
  for (int answer : answers_) materialised_[static_cast<std::size_t>(answer)] = true;
  for (const PlanValue& value : values_) {
    if (value.residual >= 0) materialised_[static_cast<std::size_t>(value.residual)] = true;
    const Op op = node_of(value).op;
    if (op != Op::kAdd && op != Op::kMultiply && op != Op::kAttention && op != Op::kSoftmax) continue;
    for (const Range& range : value.inputs) materialised_[static_cast<std::size_t>(range.node)] = true;
  }
}

// The inputs with concatenations that have no memory replaced by their parts.
std::vector<Range> PlanValues::flat(const std::vector<Range>& inputs) const {
  std::vector<Range> result;
  for (const Range& range : inputs) {
    if (materialised_[static_cast<std::size_t>(range.node)]) {
      result.push_back(range);
      continue;
    }
    int64_t at = 0;  // of a part within the concatenation
    for (const Range& part : flat(values_[static_cast<std::size_t>(range.node)].inputs)) {
      const int64_t begin = std::max(range.from, at), end = std::min(range.from + range.count, at + part.count);
      if (begin < end) {
        result.push_back({part.node, part.from + begin - at, end - begin, range.weight_from + begin - range.from});
      }
      at += part.count;
    }
  }
  return result;
}

}  // namespace limber
