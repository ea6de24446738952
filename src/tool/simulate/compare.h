// SPDX-License-Identifier: Apache-2.0
// Several policies on one scenario, over its seeds. Layer: tool.
#pragma once
#include <string>
#include <vector>

#include "tool/simulate/policies.h"

namespace limber::tool {

struct ApplicationResult {
  std::string name;
  int64_t frames = 0, met = 0;
  double accuracy = 0;           // late and dropped answers count as wrong
  double accuracy_answered = 0;  // of the answers in time
  double floor = 0;
  double mean_ms = 0, p95_ms = 0, p99_ms = 0;
  std::vector<std::string> members;
  std::vector<int64_t> by_member;
  // Of each frame, seed after seed: in time, and not below the floor.
  std::vector<char> served;
};

struct PolicyResult {
  std::string name;
  std::string best;  // of "schedutil-best": which setting it is
  int64_t frames = 0, met = 0;
  double energy_per_answer_mj = 0;   // the whole board's, by answers in time
  double least_mj = 0, most_mj = 0;  // the same of single seeds
  double mean_ms = 0, p95_ms = 0, p99_ms = 0;
  double accuracy = 0, accuracy_answered = 0;
  double peak_c = 0, mean_w = 0;
  double foreign_share = 0;  // what strangers got done, in fastest cores at their highest points
  std::vector<ApplicationResult> applications;

  // How many frames fewer than the oracle it serves (in time, not below the floor), as a share of the oracle's.
  double unserved = 0;

  double strangers_kept = 1;  // foreign_share by the oracle's

  double miss_rate() const { return frames > 0 ? 1 - static_cast<double>(met) / static_cast<double>(frames) : 0; }
  // At most one in a hundred fewer; and strangers, whose energy is counted, too, get done nine tenths of what they do
  // beside the oracle: starving them saves energy.
  bool serves() const { return unserved <= 0.01 && strangers_kept >= 0.9; }
};

struct ComparedScenario {
  Scenario scenario;
  bool calibrated = false;  // the board's power figures
  std::vector<PolicyResult> policies;
};

// Beside those of policies.h, these are known: "schedutil-best", the best of schedutil_sweep() in hindsight; and
// "limber:like=POLICY", which aims at that policy's 95th percentile of the latency instead of the deadline (each
// application's), and "limber:within=POLICY", the lowest mean latency that takes no more energy than that policy, found
// by trying aims. Seeds run side by side on `threads` threads; the result does not depend on how many. The oracle is
// always played.
ComparedScenario compare(const Scenario& scenario, const std::vector<std::string>& policies, int threads);

// Whether it is one of policies.h, none that is chosen in hindsight from several.
bool is_plain_policy(const std::string& name);
// Fails with kInvalidArgument on a name that compare() does not know.
void check_policy(const std::string& name);

// Who serves what the oracle does comes first, of these who takes less energy; of the others who serves more.
bool better(const PolicyResult& a, const PolicyResult& b);

}  // namespace limber::tool
