// SPDX-License-Identifier: Apache-2.0
// Statistics of a sub-network's normalisations, estimated anew: a sub-network's layers see other values than the
// super-network's, whose running statistics fit none of them (US-Nets, arXiv 1903.05134; Once-for-All, arXiv
// 1908.09791, section 3.3: 2000 training images). Layer: design.
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "formats/data_set.h"
#include "network/network.h"

namespace limber {

// Mean and variance of what a node computes before its norm, over all images and pixels; one each per channel of the
// sub-network.
struct NormStatistics {
  std::string node;
  std::vector<float> mean, variance;

  bool operator==(const NormStatistics&) const = default;
};

struct CalibrationOptions {
  std::vector<int> cores;  // logical CPUs, one image each at a time; empty: the calling thread alone
  std::string isa;         // as ModelOptions::isa
  // What values between two layers may take, bytes; where they would take more, layers are computed again instead. At
  // least one layer's outputs of one image are held for each core on top.
  int64_t memory = int64_t{1} << 30;
  std::function<void(int64_t done, int64_t all)> progress;  // passes over the images; called by the caller's thread
};

// Of every norm of this choice, in the order of the nodes. Layer after layer over all images, so each norm sees the
// calibrated ones before it; exact over the set (population variance), whatever the number of cores or the memory. The
// images should come from the training split, never from one that judges. Cost: about 2 to 3 inferences of every image
// where the network can be cut into blocks and memory allows. Fails with kInvalidArgument on an
// illegal choice, on no images or images that do not fit, kBadFile where a layer's values are not finite, kUnsupported
// on run-time symbols.
std::vector<NormStatistics> calibrate_norms(const Network& network, const Choice& choice, const Images& images,
                                            const CalibrationOptions& options = {});

// What the file says now: of every norm of the member, its own statistics or the node's, this member's channels.
std::vector<NormStatistics> stored_norms(const Network& network, const Member& member);

// Makes them the member's own statistics (Member::norms), as tensors "MEMBER/NODE.mean" and ".variance"; those it had
// are dropped. Weights, bias and epsilon of the norm stay the node's.
void store_norms(Network* network, std::size_t member, const std::vector<NormStatistics>& statistics);

// A network with one member, "choice", that has these statistics. Tensors are shared.
Network one_member(const Network& network, const Choice& choice, const std::vector<NormStatistics>& statistics);

}  // namespace limber
