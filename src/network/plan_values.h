// SPDX-License-Identifier: Apache-2.0
// What a plan computes, before it is known how: every value once. Layer: network.
#pragma once
#include <vector>

#include "network/blocks.h"
#include "network/network.h"
#include "network/sub_network.h"

namespace limber {

// What one node computes, once: in an exit plan members share values, and a longer input list can continue a shorter
// one's.
struct PlanValue {
  const SubNode* part = nullptr;
  std::size_t member = 0;  // as the BlockMap counts
  std::size_t family = 0;
  std::vector<Range> inputs;  // Range::node is an index of values
  int residual = -1;          // index of values
  int continues = -1;         // starts from this value's partial sums; the first `done` inputs are in them
  std::size_t done = 0;
  bool continued = false;  // leaves its partial sums for another value
  std::size_t segment = 0;
};

// The answers that a plan gives, in order: a member's, or several for an exit plan.
struct PlanTarget {
  std::size_t member = 0;  // as the BlockMap counts
  std::size_t family = 0;  // whose statistics apply
  const SubNetwork* sub = nullptr;
};

class PlanValues {
 public:
  PlanValues(const Network& network, const BlockMap& blocks)
      : network_(network), graph_(network.graph), blocks_(blocks) {}

  // Lists the values that the answers need, in order. Called once.
  void number(const std::vector<PlanTarget>& targets);

  std::size_t size() const { return values_.size(); }
  const PlanValue& operator[](int value) const { return values_[static_cast<std::size_t>(value)]; }
  int answer(std::size_t target) const { return answers_[target]; }
  const Node& node_of(const PlanValue& value) const { return graph_.nodes[static_cast<std::size_t>(value.part->node)]; }
  // The member's own statistics, else the node's, else nullptr.
  const Norm* norm_of(const PlanValue& value) const;
  Blocks blocks_of(int value) const;
  // False for a concatenation whose readers can read its parts one after another: it needs no memory.
  bool materialised(int value) const { return materialised_[static_cast<std::size_t>(value)]; }
  // The inputs with concatenations that have no memory replaced by their parts.
  std::vector<Range> flat(const std::vector<Range>& inputs) const;

 private:
  int find(PlanValue& value);
  void choose_materialised();

  const Network& network_;
  const Graph& graph_;
  const BlockMap& blocks_;
  std::vector<PlanValue> values_;
  std::vector<int> answers_;
  std::vector<bool> materialised_;
};

}  // namespace limber
