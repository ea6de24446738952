// SPDX-License-Identifier: Apache-2.0
#include "manager/slowdown.h"

#include <algorithm>
#include <cmath>

namespace limber {
namespace {

constexpr double kDrift = 1e-3;       // process noise of a quiet frame
constexpr double kSurprise = 0.5;     // share of a squared surprise that counts as drift
constexpr double kNoiseMemory = 0.9;  // how slowly the observation noise is forgotten
constexpr double kLeastNoise = 1e-4;

}  // namespace

void Slowdown::observe(double measured, double profiled) {
  if (!(measured > 0) || !(profiled > 0)) return;
  const double innovation = measured / profiled - mean_;
  const double expected = variance_ + noise_;
  // Beyond three standard deviations the world has changed: widen the prior instead of calling it noise.
  const bool surprise = innovation * innovation > 9 * expected;
  const double prior = variance_ + kDrift + (surprise ? kSurprise * innovation * innovation : 0);
  const double gain = prior / (prior + noise_);
  mean_ = std::max(1e-3, mean_ + gain * innovation);
  variance_ = (1 - gain) * prior;
  if (!surprise) {
    noise_ = std::max(kLeastNoise, kNoiseMemory * noise_ + (1 - kNoiseMemory) * innovation * innovation);
  }
}

double Slowdown::probability_within(double profiled, double limit) const {
  const double deviation = profiled * std::sqrt(variance());
  return 0.5 * std::erfc((profiled * mean_ - limit) / (deviation * std::sqrt(2.0)));
}

}  // namespace limber
