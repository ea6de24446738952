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

// A name and its settings as policy_help() lists them. Fails with kInvalidArgument naming what is legal.
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
