// SPDX-License-Identifier: Apache-2.0
// Compiles sub-networks to plans. Layer: network.
#pragma once
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "network/network.h"
#include "network/packed_weights.h"
#include "network/plan.h"
#include "network/sub_network.h"

namespace limber {

// What the plans of a model share: scale and bias of a convolution with its norm and bias folded in, per plane. Members
// with the same tensors share them.
class FoldedNorms {
 public:
  struct Pair {
    const float* scale;
    const float* bias;
  };
  FoldedNorms(const Network& network, const PackedWeights& weights) : network_(network), weights_(weights) {}
  // For the output channels of `part`, which lie in `blocks`. norm may be nullptr.
  Pair get(const Node& node, const Norm* norm, const SubNode& part, const Blocks& blocks);
  // The one copy of equal blocks.
  const Blocks* share(const Blocks& blocks);
  int64_t bytes() const { return bytes_; }

 private:
  const Network& network_;
  const PackedWeights& weights_;
  std::map<std::string, Pair> known_;
  std::deque<AlignedBuffer> memory_;
  std::map<std::pair<std::vector<int64_t>, int64_t>, Blocks> blocks_;
  int64_t bytes_ = 0;
};

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

class PlanBuilder {
 public:
  PlanBuilder(const Network& network, const BlockMap& blocks, const PackedWeights& weights, FoldedNorms& norms)
      : network_(network), graph_(network.graph), blocks_(blocks), weights_(weights), norms_(norms) {}

  // packed: for each conv2d or linear graph node and kernel, its index in the packed weights.
  Plan build(const std::vector<PlanTarget>& targets, const std::map<std::pair<int, int64_t>, std::size_t>& packed);

 private:
  void number_values(const std::vector<PlanTarget>& targets);
  int find_value(PlanValue& value);
  void choose_materialised(const std::vector<int>& answers);
  int tensor_of(int value, std::size_t segment);
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
  void set_halos();
  void place();
  std::vector<Range> flat(const std::vector<Range>& inputs) const;
  const Node& node_of(const PlanValue& value) const { return graph_.nodes[static_cast<std::size_t>(value.part->node)]; }
  Blocks blocks_of(int value) const;
  int64_t largest(const Resolved& rows) const;

  const Network& network_;
  const Graph& graph_;
  const BlockMap& blocks_;
  const PackedWeights& weights_;
  FoldedNorms& norms_;
  const std::map<std::pair<int, int64_t>, std::size_t>* packed_ = nullptr;
  std::vector<PlanValue> values_;
  std::vector<int> answers_;
  std::vector<bool> materialised_;
  std::map<std::pair<int, std::size_t>, int> tensors_;  // value (and segment, for the input) -> tensor
  std::map<int, int> partials_;                         // value -> tensor of its partial sums
  std::map<int, int64_t> states_;                       // graph node -> offset
  std::size_t segment_ = 0;
  std::vector<Draft> drafts_;
  Plan plan_;
};

}  // namespace limber
