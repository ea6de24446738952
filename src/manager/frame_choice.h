// SPDX-License-Identifier: Apache-2.0
// For one frame of one application: which option, and at which point. The fast half of the manager. Layer: manager.
#pragma once
#include <cstddef>
#include <vector>

#include "manager/system_policy.h"
#include "manager/work_estimate.h"

namespace limber {

// What a processor offers at the moment of a choice.
struct ProcessorOffer {
  int cores = 0;                        // that are free for this application; 0: none
  std::size_t lowest = 0, highest = 0;  // points
  // What a running frame adds to the processor's power at a point, besides the option's busy_w: the clock that has to
  // run for it. Zeros where the clock runs anyway.
  std::vector<double> clock_w;
  double delay_ms = 0;  // before the work begins: the clock must change first
};

struct FrameNeed {
  double soft_ms = 0;   // from now on: when the answer should be there
  double hard_ms = 0;   // from now on: when it must be
  double accuracy = 0;  // members below it are for frames that no other can serve
  bool prefer_accuracy = false;
  double energy_mj = 0;  // at most; infinity: no limit
  // An oracle's: this frame's work, times the usual one, and how sure that is; below 0: as estimated.
  double work = 1, deviation = -1;
};

struct FrameChoice {
  std::size_t option = 0, point = 0;
  double expected_ms = 0, energy_mj = 0;
  // Above 0: if the frame still runs after so many milliseconds, the highest point takes over, in time for all but one
  // in some hundred frames.
  double boost_ms = 0;
  bool met = false;  // it should be there in time
};

// Among options that are expected to be in time (first by soft_ms; if there are none, by hard_ms) and accurate enough:
// the least energy. A frame begins at a point that is enough for its usual work and is boosted where it turns out to be
// longer (a two-speed schedule, after Lorch and Smith's PACE, 2001), so that caution costs energy only when it is
// needed. Where no accurate enough option surely is, the fastest accurate one, if it is likelier in time than not; else
// the most accurate one that surely is; where none at all is, the fastest. `busy_scale`: times the options' busy_w.
// O(options x points), no allocation.
FrameChoice choose_for_frame(const ManagedApplication& application, const WorkEstimate& estimate,
                             const std::vector<ProcessorOffer>& offers, const FrameNeed& need, double busy_scale);

}  // namespace limber
