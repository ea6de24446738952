// SPDX-License-Identifier: Apache-2.0
// This machine, or a folder that looks like one, to be measured. Layer: tool.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "platform/busy_cores.h"
#include "platform/measure_board.h"

namespace limber::tool {

// Clocks through cpufreq's limits, temperatures of thermal zones, watts from `power_from` (a file that holds them, or a
// command for the shell that prints them, asked every half second) or from the energy counters. The limits found are
// put back at the end. An interrupt (Ctrl-C) makes the next wait fail, so that this happens then, too.
class SysfsMachine {
 public:
  // Fails with kUnsupported or kInvalidArgument saying what the machine lacks: a cpufreq policy of these CPUs, a list
  // of frequencies (then `khz` has to name them), a meter. kIo where the limits cannot be written.
  SysfsMachine(std::string root, const std::vector<int>& cpus, std::vector<int64_t> khz, const std::string& power_from);
  ~SysfsMachine();
  SysfsMachine(const SysfsMachine&) = delete;
  SysfsMachine& operator=(const SysfsMachine&) = delete;

  // Refers to this object.
  const MeasuredMachine& machine() const { return machine_; }
  const std::string& meter() const { return meter_; }

 private:
  void find_policy(const std::vector<int>& cpus, std::vector<int64_t> khz);
  void find_meter(const std::string& power_from);
  void find_temperature();
  void count_busy(const std::vector<int>& cpus);
  void set_limits(int64_t low, int64_t high);
  void wait(double seconds);

  std::string root_, policy_, meter_;
  int64_t found_low_ = 0, found_high_ = 0;
  BusyCores load_;
  MeasuredMachine machine_;
  std::function<double()> sample_watts_;  // empty: the meter counts itself
  double sum_ = 0;
  int samples_ = 0;
};

}  // namespace limber::tool
