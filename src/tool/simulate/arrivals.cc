// SPDX-License-Identifier: Apache-2.0
#include "tool/simulate/arrivals.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "base/random.h"
#include "tool/simulate/recorded.h"

namespace limber::tool {
namespace {

constexpr double kLeastWork = 0.2;

double exponential_ms(Random* random, double rate_hz) {
  return -std::log(1 - random->uniform()) / rate_hz * 1e3;
}

double normal(Random* random) {
  const double radius = std::sqrt(-2 * std::log(1 - random->uniform()));
  return radius * std::cos(2 * std::numbers::pi * random->uniform());
}

}  // namespace

std::vector<ArrivingFrame> arriving_frames(const Scenario& scenario, std::size_t application, uint64_t seed) {
  const Application& a = scenario.applications.at(application);
  Random random(seed * 0x9e3779b97f4a7c15u + application + 1);
  const double begin = a.start_s * 1e3, end = std::min(a.stop_s, scenario.duration_s) * 1e3;
  std::vector<ArrivingFrame> frames;
  switch (a.arrivals.kind) {
    case ArrivalKind::kPeriodic:
      for (double ms = begin; ms < end; ms += a.arrivals.period_ms)
        frames.push_back({std::max(begin, ms + a.arrivals.jitter_ms * (2 * random.uniform() - 1)), 1});
      break;
    case ArrivalKind::kPoisson:
      for (double ms = begin + exponential_ms(&random, a.arrivals.rate_hz); ms < end;
           ms += exponential_ms(&random, a.arrivals.rate_hz))
        frames.push_back({ms, 1});
      break;
    case ArrivalKind::kRecorded:
      return recorded_frames(a.arrivals.file, a.arrivals.policy, begin, end);
    case ArrivalKind::kBursts:
      for (double ms = begin + exponential_ms(&random, a.arrivals.rate_hz); ms < end;
           ms += exponential_ms(&random, a.arrivals.rate_hz)) {
        for (int64_t i = 0; i < a.arrivals.burst; ++i) {
          const double at = ms + static_cast<double>(i) * a.arrivals.period_ms;
          if (at < end) frames.push_back({at, 1});
        }
      }
      break;
  }
  std::stable_sort(frames.begin(), frames.end(),
                   [](const ArrivingFrame& x, const ArrivingFrame& y) { return x.ms < y.ms; });
  for (ArrivingFrame& frame : frames) frame.work = std::max(kLeastWork, 1 + a.work_noise * normal(&random));
  return frames;
}

double mean_rate_hz(const Arrivals& arrivals) {
  switch (arrivals.kind) {
    case ArrivalKind::kPeriodic:
      return 1e3 / arrivals.period_ms;
    case ArrivalKind::kPoisson:
      return arrivals.rate_hz;
    case ArrivalKind::kBursts:
      return arrivals.rate_hz * static_cast<double>(arrivals.burst);
    case ArrivalKind::kRecorded:
      break;
  }
  const std::vector<ArrivingFrame> frames =
      recorded_frames(arrivals.file, arrivals.policy, 0, std::numeric_limits<double>::infinity());
  const double span_ms = frames.back().ms - frames.front().ms;
  return span_ms > 0 ? static_cast<double>(frames.size() - 1) / span_ms * 1e3 : 1;
}

}  // namespace limber::tool
