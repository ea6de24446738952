// SPDX-License-Identifier: Apache-2.0
// Sums over a policy's frames. Layer: tool.
#pragma once
#include <string>
#include <vector>

#include "tool/run/result.h"

namespace limber::tool {

struct Tally {
  std::string policy;
  int64_t frames[2] = {0, 0}, met[2] = {0, 0}, skipped = 0;  // [loaded]
  int64_t images = 0, answered = 0, right_in_time = 0, right_answered = 0;
  std::vector<int64_t> by_member;  // images each member answered
  std::vector<double> latencies;   // ms, of the frames that were worked on, late ones too
  double confidence = 0;           // summed over the answered images
  double energy_mj = 0;
  std::string last_reason;

  explicit Tally(std::string name = "", std::size_t members = 0) : policy(std::move(name)), by_member(members, 0) {}
  void add(const FrameResult& frame);

  int64_t all_frames() const { return frames[0] + frames[1]; }
  int64_t all_met() const { return met[0] + met[1]; }
  double mean_ms() const;
  double p99_ms() const;  // 0 without a frame, as the others
  double mean_confidence() const;
  double top1_in_time() const;
  double top1_answered() const;
};

// part / whole; 0 for 0 / 0.
double share(int64_t part, int64_t whole);

// Index of the static member that turned out best (top1_in_time), known only afterwards; -1: none was played, or there
// are no labels.
int best_static(const std::vector<Tally>& tallies, const RunContext& context);

}  // namespace limber::tool
