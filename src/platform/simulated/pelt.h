// SPDX-License-Identifier: Apache-2.0
// Per-entity load tracking, as the kernel's scheduler does it (Documentation/scheduler/sched-pelt, since Linux 5.1).
// Layer: platform.
#pragma once
#include <algorithm>
#include <cmath>

namespace limber {

// Utilisation of a core or a task, 0 to 1024, of a clock that runs at the core's speed: at half the capacity 1 ms of
// work counts as half a millisecond, and what it lags behind is made up when the core goes idle. A sum of geometric
// weights over 1.024 ms periods in the kernel; here the exponential that it samples.
class Pelt {
 public:
  explicit Pelt(double half_life_ms = 32) : rate_(std::log(2.0) / (half_life_ms * 1.024)) {}

  double util() const { return util_; }
  void set(double util) { util_ = util; }
  void add(double util) { util_ = std::clamp(util_ + util, 0.0, 1024.0); }  // of a task that comes or (negative) goes

  // `share` of the core's time goes to this, at `speed` (0..1 of the board's fastest core at its highest frequency).
  void run(double ms, double speed, double share = 1) {
    const double keep = std::exp(-rate_ * ms * speed);
    util_ = util_ * keep + 1024 * share * (1 - keep);
    lag_ms_ += ms * (1 - speed);
  }
  void idle(double ms) {
    util_ *= std::exp(-rate_ * (ms + lag_ms_));
    lag_ms_ = 0;
  }

 private:
  double rate_;
  double util_ = 0, lag_ms_ = 0;
};

}  // namespace limber
