// SPDX-License-Identifier: Apache-2.0
// Time: what happens next, and what goes on until then at constant rates.
#include "platform/simulated/simulation.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace limber {

SimulatedBoard::Impl::Impl(const Board& b, const SimulationSettings& s) : board(b), settings(s) {
  for (std::size_t p = 0; p < board.processors.size(); ++p) {
    const Processor& processor = board.processors[p];
    Rail rail;
    rail.highest = processor.opps.size() - 1;
    for (std::size_t c = 0; c < processor.cores(); ++c) {
      Core core;
      core.cpu = processor.kind == ProcessorKind::kCpu ? processor.cpus[c] : -1;
      core.processor = p;
      core.pelt = Pelt(settings.half_life_ms);
      rail.cores.push_back(cores.size());
      cores.push_back(core);
    }
    rails.push_back(std::move(rail));
  }
  celsius = settings.start_c < -273 ? board.thermal.ambient_c : settings.start_c;
  steps.assign(board.trips.size(), 0);
  meters.assign(board.sensors.size(), {});
  for (std::size_t p = 0; p < rails.size(); ++p) set_governor(p, board.processors[p].default_governor);
  schedule(kThermalMs, [this] { heat(); });
  schedule(board.trip_period_ms, [this] { trip(); });
  for (std::size_t i = 0; i < meters.size(); ++i) schedule(board.sensors[i].period_ms, [this, i] { meter(i); });
  rates_changed();
}

double SimulatedBoard::Impl::speed(const Core& core) const {
  const Rail& rail = rails[core.processor];
  if (!rail.online || rail.stalled_until > now) return 0;
  return clock_share(core) * processor(core).capacity / 1024;
}

double SimulatedBoard::Impl::clock_share(const Core& core) const {
  const Processor& p = processor(core);
  return static_cast<double>(p.opps[rails[core.processor].opp].khz) / static_cast<double>(p.highest().khz);
}

double SimulatedBoard::Impl::rest_ms(const Thread& thread) const {
  const Core& core = cores[thread.core];
  const double s = speed(core), share = thread.weight / core.weight;
  if (thread.left.compute_ms > 0 && s <= 0) return kNever;
  const double compute = thread.left.compute_ms > 0 ? thread.left.compute_ms / s : 0;
  return (compute + thread.left.memory_ms * contention) / share;
}

void SimulatedBoard::Impl::find_contention() {
  double wanted = 0;
  for (const int t : working) {
    const Thread& thread = threads[static_cast<std::size_t>(t)];
    const Core& core = cores[thread.core];
    const double s = speed(core), memory = thread.left.memory_ms;
    if (memory <= 0 || s <= 0 || !std::isfinite(memory)) continue;
    wanted += thread.weight / core.weight * memory / (memory + thread.left.compute_ms / s);
  }
  contention = std::max(1.0, wanted);
}

void SimulatedBoard::Impl::find_watts() {
  for (std::size_t p = 0; p < rails.size(); ++p) {
    Rail& rail = rails[p];
    double activity = 0;
    for (const std::size_t c : rail.cores) {
      for (const int t : cores[c].threads) {
        const Thread& thread = threads[static_cast<std::size_t>(t)];
        activity += thread.settings.activity * thread.weight / cores[c].weight;
      }
    }
    rail.watt =
        rail.online ? power_w(board.processors[p].power, board.processors[p].opps[rail.opp], activity, celsius) : 0;
  }
}

void SimulatedBoard::Impl::rates_changed() {
  find_contention();
  find_watts();
}

void SimulatedBoard::Impl::advance(double to) {
  const double ms = to - now;
  if (ms <= 0) {
    now = std::max(now, to);
    return;
  }
  for (Rail& rail : rails) {
    rail.energy_mj += rail.watt * ms;
    heated_mj += rail.watt * ms;
  }
  rest_mj += board.rest_w * ms;
  for (const int t : working) {
    Thread& thread = threads[static_cast<std::size_t>(t)];
    const Core& core = cores[thread.core];
    const double rest = rest_ms(thread);
    const double keep = std::isfinite(rest) && rest > 0 ? std::max(0.0, 1 - ms / rest) : (rest > 0 ? 1 : 0);
    if (std::isfinite(thread.left.compute_ms)) thread.left.compute_ms *= keep;
    if (std::isfinite(thread.left.memory_ms)) thread.left.memory_ms *= keep;
    thread.pelt.run(ms, speed(core), thread.weight / core.weight);
    if (thread.settings.foreign) {
      const double ran = ms * thread.weight / core.weight;
      cores[thread.core].foreign_ms += ran;
      foreign_work_ms += ran * speed(core);
    }
  }
  for (Core& core : cores) {
    if (core.threads.empty()) continue;
    core.pelt.run(ms, speed(core));
    core.busy_ms += ms;
  }
  now = to;
}

void SimulatedBoard::Impl::run_until(double ms) {
  for (;;) {
    double end = kNever;
    int first = -1;
    for (const int t : working) {
      const double rest = rest_ms(threads[static_cast<std::size_t>(t)]);
      if (now + rest < end) {
        end = now + rest;
        first = t;
      }
    }
    const double next = events.empty() ? kNever : events.top().ms;
    if (std::min(end, next) > ms) break;
    if (end <= next) {
      advance(end);
      finish(first);
      continue;
    }
    advance(next);
    const Callback what = std::move(const_cast<Event&>(events.top()).what);
    events.pop();
    what();
  }
  advance(ms);
}

}  // namespace limber
