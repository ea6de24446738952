// SPDX-License-Identifier: Apache-2.0
// How much slower the machine is now than when it was profiled. Layer: manager.
#pragma once

namespace limber {

// A scalar Kalman filter over slowdown = time measured / time profiled (ALERT, papers.md section 8), a random walk
// whose process noise grows with surprises: one frame far outside the expected range moves the estimate almost wholly,
// so a load that appears is believed after one frame. Plain state, no allocation, deterministic.
class Slowdown {
 public:
  // measured and profiled in the same unit, both > 0 (others are ignored).
  void observe(double measured, double profiled);
  double mean() const { return mean_; }
  double variance() const { return variance_ + noise_; }  // of the next observation

  // Probability that work profiled at `profiled` takes at most `limit`: a normal distribution of the slowdown.
  double probability_within(double profiled, double limit) const;

 private:
  double mean_ = 1;
  double variance_ = 0.01;  // of the estimate
  double noise_ = 0.01;     // of an observation, tracked
};

}  // namespace limber
