// SPDX-License-Identifier: Apache-2.0
// Compiles sub-networks to plans. Layer: network.
#pragma once
#include <map>
#include <utility>
#include <vector>

#include "network/folded_norms.h"
#include "network/network.h"
#include "network/packed_weights.h"
#include "network/plan.h"
#include "network/plan_values.h"

namespace limber {

// Builds one plan and is then spent. What is computed is in PlanValues, where it lies is chosen by lay_out().
class PlanBuilder {
 public:
  PlanBuilder(const Network& network, const BlockMap& blocks, const PackedWeights& weights, FoldedNorms& norms)
      : graph_(network.graph), weights_(weights), norms_(norms), values_(network, blocks) {}

  // packed: for each conv2d or linear graph node and kernel, its index in the packed weights.
  Plan build(const std::vector<PlanTarget>& targets, const std::map<std::pair<int, int64_t>, std::size_t>& packed);

 private:
  int tensor_of(int value, std::size_t segment);
  // Adds the steps that compute a value (plan_steps.cc).
  void emit(int value);
  void emit_weighted(int value);
  // One step for each block of the value's channels [at, at + count of the operands). A range of node -1 is the value
  // itself.
  void emit_blocks(int value, const std::vector<Range>& operands, int64_t at, bool first, bool last);
  void emit_per_range(int value);
  void emit_add(int value);
  void emit_multiply(int value);
  void emit_attention(int value);
  void emit_softmax(int value);
  void emit_input(int value, std::size_t segment);
  // A step while its inputs are still being listed.
  struct Draft : Step {
    std::vector<PlanRange> inputs;
  };
  Draft start_step(int value);
  void finish_steps();
  int64_t largest(const Resolved& rows) const;

  const Graph& graph_;
  const PackedWeights& weights_;
  FoldedNorms& norms_;
  PlanValues values_;
  const std::map<std::pair<int, int64_t>, std::size_t>* packed_ = nullptr;
  std::map<std::pair<int, std::size_t>, int> tensors_;  // value (and segment, for the input) -> tensor
  std::map<int, int> partials_;                         // value -> tensor of its partial sums
  std::size_t segment_ = 0;
  std::vector<Draft> drafts_;
  Plan plan_;
};

}  // namespace limber
