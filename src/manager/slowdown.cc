// SPDX-License-Identifier: Apache-2.0
#include "manager/slowdown.h"

#include <algorithm>
#include <cmath>

namespace limber {

namespace {

constexpr double kMeasurementNoise = 0.001;
// ALERT's floor is 0.1 (a third of the unloaded time); a burst of many images is measured better than one inference.
// Relative: who waits for others' turns waits for whole ones.
constexpr double kProcessFloor = 0.01;
constexpr double kForget = 0.3;

}  // namespace

void Slowdown::observe(double measured_ms, double profiled_ms) {
  if (!(measured_ms > 0) || !(profiled_ms > 0)) return;
  const double innovation = measured_ms / profiled_ms - mean_;
  const double step = gain_ * innovation;
  process_ = std::max(kProcessFloor * mean_ * mean_, kForget * process_ + (1 - kForget) * step * step);
  const double predicted = variance_ + process_;
  gain_ = predicted / (predicted + kMeasurementNoise);
  mean_ = std::max(0.1, mean_ + gain_ * innovation);
  variance_ = (1 - gain_) * predicted + process_;
}

double Slowdown::probability(double work_ms, double left_ms) const {
  if (work_ms <= 0) return left_ms >= 0 ? 1 : 0;
  const double deviation = std::sqrt(variance_) * work_ms;
  return 0.5 * std::erfc((mean_ * work_ms - left_ms) / (deviation * std::sqrt(2.0)));
}

double Slowdown::work_within(double left_ms, double deviations) const {
  return std::max(0.0, left_ms) / (mean_ + deviations * std::sqrt(variance_));
}

}  // namespace limber
