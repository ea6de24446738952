// SPDX-License-Identifier: Apache-2.0
// System policies to compare with: what people deploy today, and what was published. Layer: manager.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "manager/system_policy.h"

namespace limber {

struct GovernorPolicySettings {
  std::string governor;  // of every CPU; empty: the system's own, as found
  // "static:MEMBER", "static:largest", "static:cheapest" (that keeps the target's floor), or a name of policy.h
  // ("dynamic", "dynamic-ofa"): which member answers, per application, from its table at the highest point.
  std::string member = "static:largest";
  std::string processor;  // where frames run; empty: the system's scheduler chooses among all CPUs
  int threads = 1;
  double clamp_min = 0;  // uclamp of the applications' threads
};

// The clock is the governor's, the mapping the system's, the member fixed or an application's own business. Fails with
// kInvalidArgument naming processors, when it is used.
std::unique_ptr<SystemPolicy> make_governor_policy(std::vector<ManagedProcessor> processors,
                                                   const GovernorPolicySettings& settings);

// ALERT (Wan et al., ATC 2020), formulas from memory: one global slowdown, a Kalman filter of measured by profiled
// time, for each application; member and power setting (here: a point of the processor, which holds until the next
// frame) of least expected energy, P * t + idle * (period - t), among those that are in time with a probability of 99 %
// and accurate enough. Where none is: the fastest point, the most accurate member in time, or the smallest. No mapping:
// frames run on the fastest CPU (of the largest capacity), as many threads as given.
std::unique_ptr<SystemPolicy> make_alert(std::vector<ManagedProcessor> processors, int threads);

}  // namespace limber
