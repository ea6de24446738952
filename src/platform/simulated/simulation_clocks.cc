// SPDX-License-Identifier: Apache-2.0
// Clocks: governors, limits, and the delay until a new operating point holds.
#include "platform/simulated/simulation.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace limber {

void SimulatedBoard::Impl::set_governor(std::size_t p, const std::string& name) {
  Rail& rail = rails.at(p);
  rail.governor = make_governor(name, settings.governor);
  ++rail.generation;
  rail.asked_at = now;
  for (const std::size_t c : rail.cores) cores[c].asked_busy_ms = cores[c].busy_ms;
  ask(p, true);
  if (rail.governor->period_ms() > 0) schedule_governor(p, rail.generation);
}

void SimulatedBoard::Impl::schedule_governor(std::size_t p, int generation) {
  schedule(now + rails[p].governor->period_ms(), [this, p, generation] {
    if (rails[p].generation != generation) return;
    ask(p, true);
    schedule_governor(p, generation);
  });
}

int SimulatedBoard::Impl::steps_of(std::size_t p) const {
  int most = std::min(cap_steps, static_cast<int>(board.processors[p].opps.size()) - 1);
  for (std::size_t i = 0; i < steps.size(); ++i) {
    if (board.trips[i].processor == board.processors[p].name) most = std::max(most, steps[i]);
  }
  return most;
}

void SimulatedBoard::Impl::ask(std::size_t p, bool now_or_never) {
  Rail& rail = rails[p];
  Governor& governor = *rail.governor;
  if (!now_or_never && (governor.period_ms() > 0 || now - rail.changed_at < governor.rate_limit_ms())) return;
  GovernorView view;
  view.processor = &board.processors[p];
  view.current = rail.target;
  view.lowest = rail.lowest;
  view.highest = rail.highest;
  view.requested_khz = rail.requested_khz;
  const double window = now - rail.asked_at;
  std::size_t wanted = 0;
  for (const std::size_t c : rail.cores) {
    Core& core = cores[c];
    view.util = core_util(c);
    view.clamp_min = 0;
    view.clamp_max = core.threads.empty() ? 1024 : 0;
    for (const int t : core.threads) {
      view.clamp_min = std::max(view.clamp_min, at(t).settings.clamp_min);
      view.clamp_max = std::max(view.clamp_max, at(t).settings.clamp_max);
    }
    view.busy = window > 0 ? (core.busy_ms - core.asked_busy_ms) / window : 0;
    wanted = std::max(wanted, governor.choose(view));
  }
  if (governor.period_ms() > 0) {
    rail.asked_at = now;
    for (const std::size_t c : rail.cores) cores[c].asked_busy_ms = cores[c].busy_ms;
  }
  const auto top = static_cast<std::size_t>(
      std::max<int64_t>(static_cast<int64_t>(rail.highest) - steps_of(p), static_cast<int64_t>(rail.lowest)));
  wanted = std::clamp(wanted, std::min(rail.lowest, top), top);
  if (wanted == rail.target) return;
  rail.target = wanted;
  rail.changed_at = now;
  const Processor& processor = board.processors[p];
  if (processor.actuation_us <= 0 && processor.stall_us <= 0) {
    rail.opp = wanted;
    rates_changed();
    return;
  }
  schedule(now + processor.actuation_us * 1e-3, [this, p, wanted] { actuate(p, wanted); });
}

void SimulatedBoard::Impl::actuate(std::size_t p, std::size_t opp) {
  Rail& rail = rails[p];
  if (rail.opp == opp) return;
  rail.opp = opp;
  const double stall = board.processors[p].stall_us * 1e-3;
  if (stall > 0) {
    rail.stalled_until = now + stall;
    schedule(rail.stalled_until, [this] { rates_changed(); });
  }
  rates_changed();
}

void SimulatedBoard::Impl::set_online(std::size_t p, bool online) {
  Rail& rail = rails.at(p);
  rail.online = online;
  if (!online) {
    for (const std::size_t c : rail.cores) {
      const std::vector<int> there = cores[c].threads;
      for (const int t : there) {
        const std::size_t to = place(at(t));
        if (to != c) move(t, to);
      }
    }
  }
  rates_changed();
}

}  // namespace limber
