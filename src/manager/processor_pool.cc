// SPDX-License-Identifier: Apache-2.0
#include "manager/processor_pool.h"

#include <algorithm>
#include <numeric>

#include "manager/smoothing.h"

namespace limber {
namespace {

constexpr double kForeign = 0.1;     // of a core's time: somebody else works here
constexpr double kParkShare = 0.04;  // of a frame's deadline, that waking a clock may take
constexpr double kGovernorMargin = 1.25;

}  // namespace

ProcessorPool::ProcessorPool(std::vector<ManagedProcessor> processors, bool smooth)
    : power(processors.size()), tables_(std::move(processors)), states_(tables_.size()), clocks_(tables_.size()) {
  for (std::size_t p = 0; p < tables_.size(); ++p) {
    if (smooth) tables_[p].idle_w = smooth_watts(tables_[p].khz, tables_[p].idle_w);
    states_[p].highest = tables_[p].khz.size() - 1;
    states_[p].others.assign(static_cast<std::size_t>(tables_[p].cores), 0);
    states_[p].used_by.assign(static_cast<std::size_t>(tables_[p].cores), 0);
  }
}

double ProcessorPool::others_sum(std::size_t p) const {
  return std::accumulate(states_[p].others.begin(), states_[p].others.end(), 0.0);
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

void ProcessorPool::order(std::size_t p, bool used, std::size_t wanted, std::size_t planned) {
  State& state = states_[p];
  state.ours = state.ours || used;
  if (tables_[p].khz.size() < 2 || !state.ours) return;  // not ours to choose
  const auto within = [&](std::size_t point) { return std::min(point, state.highest); };
  if (foreign(p)) {
    state.point = std::max(used ? within(wanted) : 0, within(state.needed));
    clocks_[p] = used ? ClockOrder{ClockOrder::Kind::kFixed, "", state.point} : ClockOrder{};
    return;
  }
  state.point = used ? within(wanted) : parks(p) ? 0 : within(planned);
  clocks_[p] = {ClockOrder::Kind::kFixed, "", state.point};
}

}  // namespace limber
