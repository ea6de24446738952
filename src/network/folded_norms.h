// SPDX-License-Identifier: Apache-2.0
// Normalisation and bias as the kernels' epilogue reads them. Layer: network.
#pragma once
#include <deque>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/aligned_buffer.h"
#include "network/blocks.h"
#include "network/network.h"
#include "network/packed_weights.h"
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
  void complete() { known_.clear(); }  // all plans are built; what they point to stays
  int64_t bytes() const { return bytes_; }

 private:
  const Network& network_;
  const PackedWeights& weights_;
  std::map<std::string, Pair> known_;
  std::deque<AlignedBuffer> memory_;
  std::map<std::pair<std::vector<int64_t>, int64_t>, Blocks> blocks_;
  int64_t bytes_ = 0;
};

}  // namespace limber
