// SPDX-License-Identifier: Apache-2.0
// How much slower than profiled this machine is now. Layer: manager.
#pragma once

namespace limber {

// Scalar Kalman filter of slowdown = measured / profiled time (ALERT, ATC 2020). Its process noise follows the last
// innovations, so that it is calm on a calm machine and takes nearly the whole of a step at once. Plain data, copyable;
// the same observations give the same estimate.
class Slowdown {
 public:
  void observe(double measured_ms, double profiled_ms);  // ignored unless both are positive

  double mean() const { return mean_; }
  double variance() const { return variance_; }
  // Probability that work profiled at `work_ms` is done within `left_ms`: the normal distribution's.
  double probability(double work_ms, double left_ms) const;
  // The most work (profiled ms) whose probability() is still that of `deviations` standard deviations: 2.33 are 99 %.
  double work_within(double left_ms, double deviations) const;

 private:
  double mean_ = 1, variance_ = 0.1, process_ = 0.1, gain_ = 0.5;
};

}  // namespace limber
