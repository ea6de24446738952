// SPDX-License-Identifier: Apache-2.0
// Measures what board_fit and thermal_fit are fitted to: loads a processor step by step. Layer: platform.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "platform/simulated/measurements.h"

namespace limber {

// A machine as far as measuring needs it; whoever fills it in owns what is behind. Functions are called from one
// thread and may fail with limber::Error, which ends the measuring. `celsius` and `busy` may be empty.
struct MeasuredMachine {
  std::string processor;     // as it will be called in the rows
  std::size_t cores = 0;     // that can be loaded
  std::vector<int64_t> khz;  // that can be set, ascending
  std::function<void(int64_t khz)> set_khz;
  std::function<int64_t()> khz_now;  // what holds, lower than what was set where the system slowed down
  std::function<void(const std::string& load_class, std::size_t cores)> set_load;  // kIdleClass, 0: none
  std::function<void(double seconds)> wait;
  std::function<double()> watts;  // mean since the last call
  std::function<double()> busy;   // cores busy on average since the last call; empty: as many as were loaded
  std::function<double()> celsius;
};

// The two loads: multiply-adds in registers, and reads of more memory than caches hold.
inline constexpr const char* kDenseClass = "dense";
inline constexpr const char* kStreamsClass = "streams";

struct MeasuringStep {
  int64_t khz = 0;
  std::string load_class;
  std::size_t cores = 0;
};

struct MeasuringPlan {
  std::vector<MeasuringStep> steps;  // at each frequency: idle, then 1 to all cores with either load
  double settle_s = 3;               // of a step, before anything counts
  double seconds = 10;               // of a step, that count
  double trace_s = 240;              // heating and cooling: a quarter idle, half all cores dense, a quarter idle
  double total_s() const { return static_cast<double>(steps.size()) * (settle_s + seconds) + trace_s; }
};

// `points` frequencies (all where there are fewer, 4 at least), spread over those that can be set.
MeasuringPlan measuring_plan(const std::vector<int64_t>& khz, std::size_t cores, std::size_t points);

struct MeasuringResult {
  Measurements measurements;
  std::vector<std::string> left_out;  // steps during which the system slowed down, and why
};

// Blocks for total_s(). No trace where there is no temperature or trace_s is 0. The load is off at the end, also when
// it fails; frequencies are the caller's to restore. `progress(done, all, what)` is called before each step.
MeasuringResult measure_board(
    const MeasuredMachine& machine, const MeasuringPlan& plan,
    const std::function<void(std::size_t done, std::size_t all, const std::string& what)>& progress = {});

}  // namespace limber
