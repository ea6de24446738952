// SPDX-License-Identifier: Apache-2.0
#include "manager/work_estimate.h"

#include <algorithm>
#include <cmath>

namespace limber {
namespace {

constexpr double kLeastDeviation = 0.01;  // clocks and schedulers are never better
constexpr double kFar = 3;                // deviations: no usual frame
constexpr double kQuick = 0.7, kSlow = 0.05;
constexpr double kLeastGain = 0.03;  // of a bias: a table may age
constexpr double kForget = 0.05, kReturn = 0.01;
constexpr int kFirstFrames = 3;           // of an option: they show its own error, not a slowdown
constexpr int kPriorFrames = 4;           // that the deviation's first guess is worth
constexpr double kTableDeviation = 0.08;  // of a table nobody has tried yet

}  // namespace

void WorkEstimate::observe(std::size_t option, double ratio) {
  if (!(ratio > 0) || !std::isfinite(ratio) || option >= bias_.size()) return;
  const double innovation = ratio / factor(option) - 1, usual = deviation(option);
  const bool known = seen_[option] >= kFirstFrames;
  const bool far = std::abs(innovation) > kFar * usual;
  if (known) {
    slowdown_ *= 1 + (far ? kQuick : kSlow) * innovation;
    slowdown_ = std::max(slowdown_, 0.1);
    if (!far) slowdown_ += kReturn * (1 - slowdown_);  // what lasts is the table's error
  }
  const double gain = std::max(kLeastGain, 1.0 / (seen_[option] + 1));
  if (!known || !far) bias_[option] = std::max(0.1, bias_[option] * (1 + gain * innovation));
  ++seen_[option];
  if (known) {
    const double most = kFar * usual;
    const double counted = std::clamp(innovation, -most, most);
    ++known_;
    variance_ += std::max(kForget, 1.0 / (known_ + kPriorFrames)) * (counted * counted - variance_);
  }
}

double WorkEstimate::deviation(std::size_t option) const {
  // An option that was never seen may be off by its table's error, too.
  const double table = kTableDeviation / (1 + seen_[option]);
  // A mean over few frames is off itself.
  const double mean = variance_ * std::max(kLeastGain, 1.0 / (1 + seen_[option]));
  return std::max(kLeastDeviation, std::sqrt(variance_ + mean + table * table));
}

}  // namespace limber
