// SPDX-License-Identifier: Apache-2.0
// System policies by name: NAME[:KEY=VALUE,...]. Layer: tool.
#pragma once
#include <string>
#include <vector>

#include "tool/simulate/player.h"

namespace limber::tool {

struct NamedPolicy {
  std::string name;  // as given
  MakePolicy make;
  SimulationSettings simulation;  // what of the board's software belongs to the policy: the governor's tunables
  bool oracle = false;
};

// schedutil, ondemand, performance, powersave: that governor, the system's mapping, a fixed member
//   member=largest|cheapest|NAME (cheapest: that keeps the accuracy floor), threads=N, on=PROCESSOR, clamp=0..1024;
//   schedutil: rate=MS, util_est=on|off
// dynamic, dynamic-ofa: the member is each application's own choice (policy.h), under schedutil; threads=N,
// on=PROCESSOR dvfs: cores and clocks are Limber's, the member is the largest alert: ALERT; threads=N assigned: cores
// and clocks are Limber's by plan, the member is each application's own choice limber; oracle: Limber with a perfect
// profile and knowledge of the future; aim=SHARE of the deadline Fails with kInvalidArgument naming what is legal.
NamedPolicy parse_policy(const std::string& text);
// One line each, for --help.
std::string policy_help();

// As a policy plays one seed of a scenario.
Knowledge knowledge_of(const Scenario& scenario, const NamedPolicy& policy, uint64_t seed);
PlayOptions options_of(const NamedPolicy& policy, uint64_t seed);

// What "schedutil-best" tries: every rate limit, util_est, uclamp_min, number of threads, member, and the GPU where
// networks run on it.
std::vector<std::string> schedutil_sweep(const Board& board);

}  // namespace limber::tool
