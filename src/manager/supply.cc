// SPDX-License-Identifier: Apache-2.0
#include "manager/supply.h"

#include <algorithm>
#include <cmath>

namespace limber {

namespace {

// "Lately", ms of own work: a mean settles within a few frames, a longest time has to be remembered for longer.
constexpr double kMeanMs = 30, kLongestMs = 100;

}  // namespace

void Supply::observe(double elapsed_ms, double profiled_ms) {
  if (!(elapsed_ms > 0) || !(profiled_ms > 0)) return;
  const double old = std::exp(-profiled_ms / kMeanMs);
  elapsed_ms_ = old * elapsed_ms_ + elapsed_ms;
  profiled_ms_ = old * profiled_ms_ + profiled_ms;
}

void Supply::watch(double pause_ms, double profiled_ms) {
  delay_ms_ = std::max(std::exp(-profiled_ms / kLongestMs) * delay_ms_, pause_ms);
}

double Supply::sure_work(double elapsed_ms, double done_ms, double left_ms) const {
  const double promised = (elapsed_ms + left_ms - delay_ms_) / slowdown() - done_ms;
  const double from_now = (left_ms - delay_ms_) / slowdown();
  return std::max(0.0, std::min(std::max(promised, from_now), left_ms - delay_ms_));
}

}  // namespace limber
