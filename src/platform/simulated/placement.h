// SPDX-License-Identifier: Apache-2.0
// Where a waking thread goes: Linux's energy-aware placement, and what it does where that does not apply. Layer:
// platform.
#pragma once
#include <cstddef>
#include <vector>

#include "platform/simulated/board.h"

namespace limber {

struct CoreState {
  std::size_t processor = 0;
  double capacity = 1024;
  double util = 0;    // of all that runs or ran there lately
  double weight = 0;  // of what runs there now; 0: idle
  bool online = true;
};

// A core of `allowed` for a thread of that utilisation; `before`: where it ran last, -1 nowhere. On boards whose cores
// differ, while none is over-utilised (above 80 % of its capacity): the processor on which the whole board needs the
// least power for what runs, by its operating points (find_energy_efficient_cpu). Else an idle core that is large
// enough, the largest idle one, or the least loaded one. Cores that are offline only if nothing else is allowed.
std::size_t place_thread(const Board& board, const std::vector<CoreState>& cores,
                         const std::vector<std::size_t>& allowed, double util, int before);

}  // namespace limber
