// SPDX-License-Identifier: Apache-2.0
// Plays a scenario on a simulated board under a system policy. Layer: tool.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "manager/system_policy.h"
#include "platform/simulated/simulated_board.h"
#include "tool/simulate/arrivals.h"
#include "tool/simulate/scenario.h"
#include "tool/simulate/workload.h"

namespace limber::tool {

// What became of one frame.
struct PlayedFrame {
  int application = 0;
  double arrived_ms = 0, deadline_ms = 0;  // points in time
  double begun_ms = -1, ended_ms = -1;     // -1: never
  int member = -1;                         // that ran
  std::size_t processor = kAnyProcessor;
  int threads = 0;
  double work = 1;  // times the median's
  bool met = false;
  std::string reason;
};

// One line of what the board did, every so often.
struct PlayedMoment {
  double ms = 0, celsius = 0, power_w = 0;
  std::vector<int64_t> khz;  // of each processor
};

// What one application got: of the frames that came after the warm-up and whose deadline lies within the scenario, so
// that all policies are judged on the same ones.
struct PlayedApplication {
  std::string name;
  int64_t frames = 0, met = 0;
  double accuracy_sum = 0;  // over the answers in time
  double least_accuracy = 1;
  std::vector<double> latencies_ms;  // of frames that were worked on to the end, late ones too
  std::vector<int64_t> by_member;    // answers in time
  // Of each frame in the order of arrival: answered in time, by a member of at least the floor's accuracy.
  std::vector<char> served;
};

struct Played {
  std::vector<PlayedApplication> applications;
  double energy_mj = 0;  // whole board, over the counted time
  double seconds = 0;    // counted
  double peak_c = 0;
  double foreign_work_ms = 0;  // what strangers got done, in the time of a fastest core at its highest point
};

struct PlayOptions {
  uint64_t seed = 1;
  SimulationSettings simulation;
  bool oracle = false;  // frames come with what an oracle knows
  std::function<void(const PlayedFrame&)> on_frame;
  std::function<void(const PlayedMoment&)> on_moment;
  double moment_ms = 100;
  std::vector<double> aims;  // Target::aim of each application; empty: 1
};

// The policy is made anew for each play: it has no memory of others.
using MakePolicy = std::function<std::unique_ptr<SystemPolicy>(std::vector<ManagedProcessor> processors)>;

// A frame that cannot start before its deadline is dropped; one that ends late runs to its end; both are missed.
Played play(const Scenario& scenario, const Board& board, const std::vector<Workload>& workloads,
            const Knowledge& knowledge, const MakePolicy& make_policy, const PlayOptions& options);

}  // namespace limber::tool
