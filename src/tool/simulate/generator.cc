// SPDX-License-Identifier: Apache-2.0
#include "tool/simulate/generator.h"

#include <fmt/format.h>

#include <cmath>

#include "base/random.h"

namespace limber::tool {
namespace {

struct KnownBoard {
  const char* name;
  double cores;  // of capacity 1024
  const char *lesser, *gpu;
};
constexpr KnownBoard kBoards[] = {{"odroid-xu3", 4, "A7", ""},
                                  {"jetson-nano", 4, "", "gpu"},
                                  {"jetson-xavier-nx", 6, "carmel1", "gpu"},
                                  {"raspberry-pi-5", 4, "", ""}};
constexpr double kSeconds = 30;

double between(Random* random, double low, double high) {
  return low + (high - low) * random->uniform();
}

double logarithmic(Random* random, double low, double high) {
  return low * std::pow(high / low, random->uniform());
}

// `load`: of one fastest core, by the largest member.
Application random_application(Random* random, int number, double load) {
  Application a;
  a.name = fmt::format("app{}", number);
  a.model = random->chance(0.5) ? "models/cifar10-incremental.safetensors" : "models/cifar10-ofa.safetensors";
  a.work_noise = random->chance(0.3) ? 0 : between(random, 0.02, 0.15);
  const double kind = random->uniform();
  if (kind < 0.6) {
    a.arrivals.kind = ArrivalKind::kPeriodic;
    a.arrivals.period_ms = logarithmic(random, 15, 200);
    a.arrivals.jitter_ms = random->chance(0.5) ? 0.02 * a.arrivals.period_ms : 0;
    a.work_ms = load * a.arrivals.period_ms;
    a.deadline_ms = random->chance(0.8) ? 0 : a.arrivals.period_ms * between(random, 0.6, 1);
  } else if (kind < 0.85) {
    a.arrivals.kind = ArrivalKind::kPoisson;
    a.arrivals.rate_hz = logarithmic(random, 1, 10);
    a.work_ms = 0.5 * load / a.arrivals.rate_hz * 1e3;
    a.deadline_ms = a.work_ms * between(random, 1.2, 4);
  } else {
    a.arrivals.kind = ArrivalKind::kBursts;
    a.arrivals.rate_hz = logarithmic(random, 0.3, 2);
    a.arrivals.burst = 2 + static_cast<int64_t>(random->below(8));
    a.arrivals.period_ms = logarithmic(random, 15, 60);
    a.work_ms = load * a.arrivals.period_ms;
    a.deadline_ms = a.arrivals.period_ms * between(random, 1, 2);
  }
  const FloorKind floors[] = {FloorKind::kLargest, FloorKind::kMinusOne, FloorKind::kFree};
  a.floor = floors[random->below(3)];
  a.weight = random->chance(0.3) ? 2 : 1;
  if (number > 1 && random->chance(0.5)) a.start_s = between(random, 0, kSeconds / 2);
  if (number > 1 && random->chance(0.3)) a.stop_s = between(random, kSeconds * 0.6, kSeconds);
  return a;
}

Event event(Random* random, EventKind kind) {
  Event e;
  e.kind = kind;
  e.at_s = between(random, 3, kSeconds * 0.6);
  e.until_s = e.at_s + between(random, 3, kSeconds * 0.5);
  return e;
}

}  // namespace

Scenario random_scenario(uint64_t seed) {
  Random random(seed * 0x9e3779b97f4a7c15u + 0x11b3);
  const KnownBoard& board = kBoards[random.below(std::size(kBoards))];
  Scenario s;
  s.name = fmt::format("random-{}", seed);
  s.board = board.name;
  s.duration_s = kSeconds;
  s.warmup_s = 2;
  s.first_seed = seed;
  s.seeds = 1;
  s.profile_error = between(&random, 0, 0.15);
  const auto count = 1 + random.below(3);
  // All together: from a quarter of a core to more than two.
  const double load = logarithmic(&random, 0.25, 0.55 * board.cores);
  for (uint64_t i = 1; i <= count; ++i)
    s.applications.push_back(random_application(&random, static_cast<int>(i),
                                                load / static_cast<double>(count) * between(&random, 0.6, 1.4)));
  if (random.chance(0.4)) {
    Stranger stranger;
    stranger.name = "stranger";
    stranger.threads = 1 + static_cast<int64_t>(random.below(3));
    stranger.nice = random.chance(0.3) ? 10 : 0;
    stranger.share = random.chance(0.5) ? 1 : between(&random, 0.1, 0.8);
    stranger.start_s = between(&random, 0, kSeconds * 0.6);
    stranger.stop_s = stranger.start_s + between(&random, 5, kSeconds);
    if (*board.gpu != '\0' && random.chance(0.4)) {
      stranger.processor = "gpu";
      stranger.threads = 1;
    }
    s.strangers.push_back(stranger);
  }
  if (random.chance(0.25)) {
    Event e = event(&random, EventKind::kTarget);
    const Application& a = s.applications[random.below(count)];
    e.application = a.name;
    e.deadline_ms = a.deadline() * between(&random, 0.7, 2);
    s.events.push_back(e);
  }
  if (random.chance(0.15)) {
    Event e = event(&random, EventKind::kThermalCap);
    e.temperature_c = between(&random, 45, 65);
    s.events.push_back(e);
  }
  if (*board.lesser != '\0' && random.chance(0.15)) {
    Event e = event(&random, EventKind::kProcessorGone);
    e.processor = board.lesser;
    s.events.push_back(e);
  }
  if (random.chance(0.1)) s.events.push_back(event(&random, EventKind::kSensorFailure));
  return s;
}

}  // namespace limber::tool
