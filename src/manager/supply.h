// SPDX-License-Identifier: Apache-2.0
// What a core that others use too leaves to us: the bounded-delay model (Mok, Feng and Chen 2001). Layer: manager.
#pragma once

namespace limber {

// In any stretch of t ms at least (t - delay) / slowdown ms of profiled work get done. Both are learnt: the slowdown as
// the mean of lately, the delay as the longest time lately in which nothing went on. "Lately" counts own work, not
// frames: a short one that was lucky proves little. Plain data, reads no clock.
class Supply {
 public:
  // A stretch of own work: what took `elapsed_ms` takes `profiled_ms` alone on the core.
  void observe(double elapsed_ms, double profiled_ms);
  // Within a frame: so much work went on without others' turns, or after one of `pause_ms`.
  void watch(double pause_ms, double profiled_ms);

  double slowdown() const { return profiled_ms_ > 0 ? elapsed_ms_ / profiled_ms_ : 1; }
  double delay_ms() const { return delay_ms_; }
  // Profiled work that is still sure to be done in `left_ms`, when `done_ms` was done in `elapsed_ms`: as promised for
  // the whole stretch, or from now on. Never negative.
  double sure_work(double elapsed_ms, double done_ms, double left_ms) const;

 private:
  double elapsed_ms_ = 0, profiled_ms_ = 0;  // sums, fading
  double delay_ms_ = 0;
};

}  // namespace limber
