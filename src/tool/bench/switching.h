// SPDX-License-Identifier: Apache-2.0
// What a switch from one member to another costs. Layer: tool.
#pragma once
#include <cstdint>
#include <vector>

#include "tool/bench/subject.h"

namespace limber::tool {

struct SwitchCost {
  double select_ns = 0;               // of Session::select
  double allocations_per_switch = 0;  // calls of operator new, in all threads
  double allocations_per_inference = 0;
  std::vector<double> first_ratio;  // of each member: first inference after a switch to it / hot median
  double worst_first_ratio = 0;
};

// The ratio is paired: some inferences of another member, one of this member (the first), then several (hot); the
// median over rounds and over all members switched from. With one member there is nothing to switch: ratios are 0.
SwitchCost measure_switch(Subject& subject, const std::vector<int>& members, double seconds);

}  // namespace limber::tool
