// SPDX-License-Identifier: Apache-2.0
// Measures a block table on this machine. Layer: design.
#pragma once
#include <cstdint>
#include <functional>
#include <string>

#include "design/block_table.h"
#include "network/network.h"

namespace limber {

struct MeasureBlocksOptions {
  int core = -1;        // logical CPU; -1: the first that this process may use
  std::string isa;      // as ModelOptions::isa
  double seconds = 20;  // for timing; at least 12 rounds, however long these take
  int64_t checks = 20;  // sub-networks that are only predicted and measured
  uint64_t seed = 1;    // of the sub-networks
  std::function<void(const std::string& phase, int64_t done, int64_t all)> progress;
};

// Times every block that a choice of this network can make, in context: sub-networks that have all of them between them
// run in turns in one session on one core, and the clock is read between blocks. Samples in which the system gave the
// core to someone else are left out where enough others are there; what lies further apart than a fifth of its median
// is marked unreliable. The input is noise; times hardly depend on it, so weights may be random. Fails with
// kUnsupported when more than 1000 sub-networks would be needed.
BlockTable measure_blocks(const Network& network, const MeasureBlocksOptions& options = {});

}  // namespace limber
