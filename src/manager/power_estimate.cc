// SPDX-License-Identifier: Apache-2.0
#include "manager/power_estimate.h"

#include <algorithm>

namespace limber {
namespace {

constexpr double kFade = 0.1, kGain = 0.1;
constexpr int kLeastCount = 10;                        // until the means are some
constexpr double kIdleShare = 0.01, kBusyShare = 0.1;  // of the sensed power that the networks take
constexpr double kLow = 0.25, kHigh = 4;

}  // namespace

void PowerEstimate::predict_idle(std::size_t processor, double seconds, double watts) {
  Means& means = processors_.at(processor);
  means.seconds += seconds;
  means.idle_ws += seconds * watts;
}

void PowerEstimate::predict_busy(std::size_t processor, double seconds, double watts) {
  processors_.at(processor).busy_ws += seconds * watts;
}

void PowerEstimate::sense(std::size_t processor, double watts) {
  Means& means = processors_.at(processor);
  const double seconds = means.seconds;
  const double idle_w = seconds > 0 ? means.idle_ws / seconds : 0, busy_w = seconds > 0 ? means.busy_ws / seconds : 0;
  means.seconds = means.idle_ws = means.busy_ws = 0;
  if (watts < 0 || seconds <= 0) {
    means.count = 0;
    return;
  }
  const double fade = means.count == 0 ? 1 : kFade;
  means.idle_w += fade * (idle_w - means.idle_w);
  means.busy_w += fade * (busy_w - means.busy_w);
  means.sensed_w += fade * (watts - means.sensed_w);
  if (++means.count < kLeastCount) return;
  if (means.busy_w < kIdleShare * means.sensed_w) {
    const double wanted = std::clamp(means.sensed_w / means.idle_w, kLow, kHigh);
    means.idle_scale += kGain * (wanted - means.idle_scale);
  } else if (means.busy_w > kBusyShare * means.sensed_w) {
    const double wanted = (means.sensed_w - means.idle_scale * means.idle_w) / means.busy_w;
    busy_scale_ += kGain * (std::clamp(wanted, kLow, kHigh) - busy_scale_);
  }
}

}  // namespace limber
