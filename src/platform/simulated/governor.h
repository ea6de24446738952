// SPDX-License-Identifier: Apache-2.0
// The frequency governors of Linux, as functions of what the kernel would tell them. Layer: platform.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "platform/simulated/board.h"

namespace limber {

// One policy (a processor) at the moment of the decision.
struct GovernorView {
  const Processor* processor = nullptr;
  std::size_t current = 0;              // index into opps
  std::size_t lowest = 0, highest = 0;  // what limits and heat allow
  // The largest of its cores, 1024: the board's fastest core at its highest frequency.
  double util = 0;
  double clamp_min = 0, clamp_max = 1024;  // of the tasks that can run (uclamp)
  double busy = 0;                         // share of the time since it was asked last, the busiest core
  double requested_khz = 0;                // userspace: scaling_setspeed
};

struct GovernorSettings {
  // schedutil: at least so long between two changes. The kernel's default depended on driver and version: 10 ms, 2 ms,
  // or 1.5 times the transition latency.
  double rate_limit_ms = 2;
  bool util_est = true;      // a task's utilisation at its last sleeps counts as soon as it wakes
  bool clamp_last = true;    // since Linux 6.8 clamps are applied after the margin of a quarter; before, ahead of it
  double sampling_ms = 10;   // ondemand
  double up_threshold = 95;  // ondemand, % (with the kernel's micro-accounting of idle time)
  double polling_ms = 50;    // simple_ondemand
};

class Governor {
 public:
  virtual ~Governor() = default;
  // 0: asked whenever a task comes, goes, and at every tick of a busy core; else every so many milliseconds.
  virtual double period_ms() const { return 0; }
  virtual double rate_limit_ms() const { return 0; }
  virtual std::size_t choose(const GovernorView& view) = 0;
};

// performance, powersave, userspace, schedutil, ondemand, simple_ondemand. Fails with kInvalidArgument naming these.
std::unique_ptr<Governor> make_governor(const std::string& name, const GovernorSettings& settings = {});
std::vector<std::string> governor_names();

}  // namespace limber
