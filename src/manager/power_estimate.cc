// SPDX-License-Identifier: Apache-2.0
#include "manager/power_estimate.h"

#include <algorithm>

namespace limber {
namespace {

constexpr double kFade = 0.03;     // of the means, for each look
constexpr double kForget = 0.995;  // of the sums
constexpr int kLeastCount = 20;    // until the means are some
// Standard deviations: of a mean against the model, relative; and of both factors, before anything was measured.
constexpr double kNoise = 0.2, kIdlePrior = 0.3, kBusyPrior = 0.4;
constexpr double kLow = 0.25, kHigh = 4;

}  // namespace

void PowerEstimate::predict_idle(std::size_t processor, double seconds, double watts) {
  Meter& meter = processors_.at(processor);
  meter.seconds += seconds;
  meter.idle_ws += seconds * watts;
}

void PowerEstimate::predict_busy(std::size_t processor, double seconds, double watts) {
  processors_.at(processor).busy_ws += seconds * watts;
}

void PowerEstimate::sense(std::size_t processor, double watts) {
  Meter& meter = processors_.at(processor);
  const double seconds = meter.seconds;
  const double idle_w = seconds > 0 ? meter.idle_ws / seconds : 0, busy_w = seconds > 0 ? meter.busy_ws / seconds : 0;
  meter.seconds = meter.idle_ws = meter.busy_ws = 0;
  if (watts <= 0 || seconds <= 0) {
    meter.count = 0;
    return;
  }
  const double fade = meter.count == 0 ? 1 : kFade;
  meter.idle_w += fade * (idle_w - meter.idle_w);
  meter.busy_w += fade * (busy_w - meter.busy_w);
  meter.sensed_w += fade * (watts - meter.sensed_w);
  if (++meter.count < kLeastCount) return;
  const double scale = 1 / (kNoise * meter.sensed_w);
  const double i = scale * meter.idle_w, b = scale * meter.busy_w, y = 1 / kNoise;
  meter.ii = kForget * meter.ii + i * i;
  meter.ib = kForget * meter.ib + i * b;
  meter.bb = kForget * meter.bb + b * b;
  meter.iy = kForget * meter.iy + i * y;
  meter.by = kForget * meter.by + b * y;
  solve();
}

// The normal equations: each processor's own factor is eliminated first.
void PowerEstimate::solve() {
  constexpr double kIdleWeight = 1 / (kIdlePrior * kIdlePrior), kBusyWeight = 1 / (kBusyPrior * kBusyPrior);
  double left = kBusyWeight, right = kBusyWeight;
  for (const Meter& meter : processors_) {
    const double own = meter.ii + kIdleWeight;
    left += meter.bb - meter.ib * meter.ib / own;
    right += meter.by - meter.ib * (meter.iy + kIdleWeight) / own;
  }
  busy_scale_ = std::clamp(right / left, kLow, kHigh);
  for (Meter& meter : processors_) {
    const double own = meter.ii + kIdleWeight;
    meter.idle_scale = std::clamp((meter.iy + kIdleWeight - busy_scale_ * meter.ib) / own, kLow, kHigh);
  }
}

}  // namespace limber
