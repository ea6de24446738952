// SPDX-License-Identifier: Apache-2.0
#include "manager/processor_pool.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "manager/smoothing.h"

namespace limber {
namespace {

constexpr double kForeign = 0.1;     // of a core's time: somebody else works here
constexpr double kChange = 0.25;     // of a core's time: less is no reason to plan anew
constexpr double kParkShare = 0.04;  // of a frame's deadline, that waking a clock may take
constexpr double kGovernorMargin = 1.25;

}  // namespace

ProcessorPool::ProcessorPool(std::vector<ManagedProcessor> processors, bool smooth)
    : power(processors.size()), tables_(std::move(processors)), states_(tables_.size()), clocks_(tables_.size()) {
  for (std::size_t p = 0; p < tables_.size(); ++p) {
    if (smooth) tables_[p].idle_w = smooth_watts(tables_[p].khz, tables_[p].idle_w);
    states_[p].highest = tables_[p].khz.size() - 1;
    states_[p].others.assign(static_cast<std::size_t>(tables_[p].cores), 0);
    states_[p].planned_others = states_[p].others;
    states_[p].used_by.assign(static_cast<std::size_t>(tables_[p].cores), 0);
  }
}

double ProcessorPool::others_sum(std::size_t p) const {
  return std::accumulate(states_[p].others.begin(), states_[p].others.end(), 0.0);
}

const std::vector<double>& ProcessorPool::plan_others(std::size_t p) {
  return states_[p].planned_others = states_[p].others;
}

bool ProcessorPool::look(const SystemView& view, bool learn) {
  bool changed = false;
  for (std::size_t p = 0; p < states_.size(); ++p) {
    State& state = states_[p];
    const SystemView::Processor& seen = view.processors.at(p);
    const std::size_t highest = std::min(seen.highest, tables_[p].khz.size() - 1);
    const bool before = foreign(p);
    if (seen.others.size() == state.others.size()) state.others = seen.others;
    changed = changed || seen.available != state.available || highest != state.highest || foreign(p) != before;
    for (std::size_t c = 0; c < state.others.size(); ++c)
      changed = changed || std::abs(state.others[c] - state.planned_others[c]) >= kChange;
    state.available = seen.available;
    state.highest = highest;
    if (foreign(p)) find_needed(p, std::min(seen.point, highest));
    const bool ours = tables_[p].cpu && state.ours && !foreign(p);
    power.sense(p, learn && ours ? seen.power_w : -1);
  }
  return changed;
}

void ProcessorPool::find_needed(std::size_t p, std::size_t now) {
  State& state = states_[p];
  const std::vector<int64_t>& khz = tables_[p].khz;
  const double most = *std::max_element(state.others.begin(), state.others.end());
  const double wanted = kGovernorMargin * most * static_cast<double>(khz[now]);
  state.needed = 0;
  while (state.needed < state.highest && static_cast<double>(khz[state.needed]) < wanted) ++state.needed;
}

bool ProcessorPool::foreign(std::size_t p) const {
  const std::vector<double>& others = states_[p].others;
  return std::any_of(others.begin(), others.end(), [](double share) { return share > kForeign; });
}

bool ProcessorPool::parks(std::size_t p) const {
  return !foreign(p) && tables_[p].switch_ms <= kParkShare * shortest_ms_;
}

double ProcessorPool::delay_ms(std::size_t p) const {
  return foreign(p) || states_[p].point > 0 ? 0 : tables_[p].switch_ms;
}

double ProcessorPool::clock_w(std::size_t p, std::size_t from, std::size_t to) const {
  return power.idle_scale(p) * (tables_[p].idle_w[to] - tables_[p].idle_w[from]);
}

bool ProcessorPool::idle(std::size_t p, int core) const {
  const auto c = static_cast<std::size_t>(core);
  return states_[p].used_by[c] == 0 && states_[p].others[c] <= kForeign;
}

double ProcessorPool::load(std::size_t p, int core) const {
  const auto c = static_cast<std::size_t>(core);
  return states_[p].used_by[c] + states_[p].others[c];
}

void ProcessorPool::take(std::size_t p, const std::vector<int>& cores) {
  for (const int c : cores) ++states_[p].used_by[static_cast<std::size_t>(c)];
}

void ProcessorPool::release(std::size_t p, const std::vector<int>& cores) {
  for (const int c : cores) --states_[p].used_by[static_cast<std::size_t>(c)];
}

void ProcessorPool::order(std::size_t p, const ClockWish& wish) {
  State& state = states_[p];
  state.ours = state.ours || wish.running || wish.always;
  if (tables_[p].khz.size() < 2 || !state.ours) return;  // not ours to choose
  const std::size_t running = wish.running ? wish.wanted : 0, always = wish.always ? wish.planned : 0;
  std::size_t point = std::max(running, always);
  if (foreign(p)) {
    // Theirs is the governor's business; it is held from below for who relies on that, and fixed for a frame only.
    state.point = std::min(std::max(point, state.needed), state.highest);
    clocks_[p] = wish.running  ? ClockOrder{ClockOrder::Kind::kFixed, "", state.point}
                 : wish.always ? ClockOrder{ClockOrder::Kind::kAtLeast, "", state.point}
                               : ClockOrder{};
    return;
  }
  if (!wish.running && !parks(p)) point = wish.planned;
  state.point = std::min(point, state.highest);
  clocks_[p] = {ClockOrder::Kind::kFixed, "", state.point};
}

void ProcessorPool::give_back(std::size_t p) {
  states_[p].ours = false;
  states_[p].point = 0;
  clocks_[p] = {};
}

}  // namespace limber
