// SPDX-License-Identifier: Apache-2.0
// Traces: what was played, and what was recorded to be played again. Layer: tool.
#pragma once
#include <string>
#include <vector>

#include "base/atomic_file.h"
#include "tool/simulate/arrivals.h"
#include "tool/simulate/player.h"

namespace limber::tool {

// Frames of a trace, moved so that the first comes at `begin_ms`; those from `end_ms` on are left out. Of `limber
// run`'s (JSON lines, a header first): arrivals as they were, work as the frame's time by its members' profiled times.
// Of `limber simulate`'s: arrivals and work as played. `policy`: whose frames; empty: the first one's.
std::vector<ArrivingFrame> recorded_frames(const std::string& path, const std::string& policy, double begin_ms,
                                           double end_ms);

// JSON lines: one for each frame {"policy", "seed", "application", "arrival_ms", "start_ms", "end_ms" (from arrival;
// null: never), "deadline_ms", "work", "member", "processor", "threads", "met", "reason"}, and for each 100 ms one
// {"policy", "seed", "ms", "celsius", "power_modelled_w", "khz": [..]}.
class SimulationTrace {
 public:
  explicit SimulationTrace(const std::string& path) : file_(path) {}
  void begin(const Scenario& scenario, const Board& board, const std::vector<Workload>& workloads,
             const std::string& policy, uint64_t seed);
  void add(const PlayedFrame& frame);
  void add(const PlayedMoment& moment);
  void finish() { file_.commit(); }

 private:
  AtomicFile file_;
  const Scenario* scenario_ = nullptr;
  const Board* board_ = nullptr;
  const std::vector<Workload>* workloads_ = nullptr;
  std::string policy_;
  uint64_t seed_ = 0;
};

}  // namespace limber::tool
