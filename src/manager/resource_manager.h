// SPDX-License-Identifier: Apache-2.0
// Limber's own system policy: the hierarchical runtime resource manager. Layer: manager.
// After Xun et al. (DATE 2020) and its successors: member, mapping and operating point are chosen together, for all
// applications; the algorithm is ours.
//
// Two levels. Slow: the arbiter (arbiter.h) divides processors and cores among the applications whenever one comes,
// goes, asks for something else, or the device changes. Fast: each frame gets the member, cores and point of least
// energy that are in time, on cores that are its own or nobody's (frame_choice.h), from tables that are smoothed at
// first and corrected by every frame (work_estimate.h). Between frames a processor's clock rests at its lowest point;
// one that others use, too, is left to the system's governor and only held from below.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "manager/system_policy.h"

namespace limber {

struct ResourceManagerSettings {
  // Its tables are exact and FrameStart::work is known: nothing to learn, nothing to be careful about.
  bool oracle = false;
  double caution = 1e-3;  // an oracle's: how much, relative, a frame may take longer than it knows (standard deviation)
  bool largest_only = false;  // the most accurate member always: what cores and clocks give alone
  double aim = 0;             // above 0: instead of what targets say
};

std::unique_ptr<SystemPolicy> make_resource_manager(std::vector<ManagedProcessor> processors,
                                                    const ResourceManagerSettings& settings = {});

}  // namespace limber
