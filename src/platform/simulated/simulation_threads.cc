// SPDX-License-Identifier: Apache-2.0
// Threads: waking, working, sleeping, and the scheduler's tick that moves them.
#include "platform/simulated/simulation.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "platform/simulated/placement.h"

namespace limber {
namespace {

constexpr double kBalanceMs = 4;  // a tick at HZ=250

}  // namespace

void SimulatedBoard::Impl::find_allowed(Thread* thread) {
  thread->allowed.clear();
  for (std::size_t c = 0; c < cores.size(); ++c) {
    const bool gpu = cores[c].cpu < 0;
    const std::string& wanted = thread->settings.processor;
    if (wanted.empty() ? gpu : processor(cores[c]).name != wanted) continue;
    const std::vector<int>& cpus = thread->settings.cpus;
    if (!cpus.empty() && std::find(cpus.begin(), cpus.end(), cores[c].cpu) == cpus.end()) continue;
    thread->allowed.push_back(c);
  }
}

double SimulatedBoard::Impl::core_util(std::size_t c) const {
  const Core& core = cores[c];
  double util = core.pelt.util();
  if (core.threads.empty()) {
    Pelt idle = core.pelt;
    idle.idle(now - core.idle_since);
    util = idle.util();
  }
  if (!settings.governor.util_est) return util;
  double est = 0;
  for (const int t : core.threads) est += threads[static_cast<std::size_t>(t)].est;
  return std::max(util, est);
}

std::size_t SimulatedBoard::Impl::place(const Thread& thread) const {
  std::vector<CoreState> states;
  states.reserve(cores.size());
  for (std::size_t c = 0; c < cores.size(); ++c) {
    const Core& core = cores[c];
    double util = core_util(c);
    // Its own part, which stays behind where it slept, is not somebody else's (the kernel's cpu_util_without).
    if (thread.placed && thread.core == c && !thread.between) util = std::max(0.0, util - thread.pelt.util());
    states.push_back({core.processor, processor(core).capacity, util, core.weight, rails[core.processor].online});
  }
  const double util = settings.governor.util_est ? std::max(thread.pelt.util(), thread.est) : thread.pelt.util();
  return place_thread(board, states, thread.allowed, util, thread.placed ? static_cast<int>(thread.core) : -1);
}

void SimulatedBoard::Impl::enqueue(int t, std::size_t c) {
  Thread& thread = at(t);
  Core& core = cores[c];
  if (core.threads.empty()) core.pelt.idle(now - core.idle_since);
  if (!thread.placed || thread.core != c) {
    if (thread.placed) {
      Core& before = cores[thread.core];
      if (before.threads.empty()) {
        before.pelt.idle(now - before.idle_since);
        before.idle_since = now;
      }
      before.pelt.add(-thread.pelt.util());
      thread.left.memory_ms += processor(core).warm_up_us * 1e-3;
    }
    core.pelt.add(thread.pelt.util());
  }
  thread.core = c;
  thread.placed = true;
  core.threads.push_back(t);
  core.weight += thread.weight;
}

void SimulatedBoard::Impl::dequeue(int t) {
  Core& core = cores[at(t).core];
  core.threads.erase(std::find(core.threads.begin(), core.threads.end(), t));
  core.weight = 0;
  for (const int other : core.threads) core.weight += at(other).weight;
  if (core.threads.empty()) core.idle_since = now;
}

void SimulatedBoard::Impl::start(int t, const ThreadWork& work, Callback done) {
  Thread& thread = at(t);
  if (thread.working) fail(ErrorCode::kInvalidArgument, "thread '{}' still works", thread.settings.name);
  if (!(work.compute_ms >= 0 && work.memory_ms >= 0))
    fail(ErrorCode::kInvalidArgument, "thread '{}': work of {} and {} ms; legal: 0 and more", thread.settings.name,
         work.compute_ms, work.memory_ms);
  thread.working = true;
  thread.all = thread.left = work;
  thread.done = std::move(done);
  if (thread.between) {
    const bool allowed = std::find(thread.allowed.begin(), thread.allowed.end(), thread.core) != thread.allowed.end();
    if (!allowed) move(t, place(thread));
    rates_changed();
    return;
  }
  thread.pelt.idle(now - thread.slept_at);
  working.push_back(t);
  enqueue(t, place(thread));
  rates_changed();
  ask(cores[thread.core].processor, false);
  start_ticking();
}

void SimulatedBoard::Impl::sleep(int t) {
  Thread& thread = at(t);
  // util_est: rises at once, falls by a quarter of the difference.
  thread.est =
      thread.pelt.util() >= thread.est ? thread.pelt.util() : thread.est + (thread.pelt.util() - thread.est) / 4;
  thread.working = false;
  thread.slept_at = now;
  working.erase(std::find(working.begin(), working.end(), t));
  dequeue(t);
  rates_changed();
  ask(cores[thread.core].processor, false);
}

void SimulatedBoard::Impl::finish(int t) {
  const Callback done = std::move(at(t).done);
  at(t).left = {};
  at(t).working = false;
  at(t).between = true;
  if (done) done();
  at(t).between = false;
  if (!at(t).working) sleep(t);
}

void SimulatedBoard::Impl::move(int t, std::size_t c) {
  const std::size_t from = cores[at(t).core].processor;
  dequeue(t);
  enqueue(t, c);
  rates_changed();
  ask(from, false);
  ask(cores[c].processor, false);
}

void SimulatedBoard::Impl::start_ticking() {
  if (ticking) return;
  ticking = true;
  schedule(now + settings.tick_ms, [this] { tick(); });
}

void SimulatedBoard::Impl::tick() {
  if (working.empty()) {
    ticking = false;
    return;
  }
  if (now - balanced_at >= kBalanceMs) {
    balanced_at = now;
    balance();
  }
  for (std::size_t p = 0; p < rails.size(); ++p) {
    const bool busy = std::any_of(rails[p].cores.begin(), rails[p].cores.end(),
                                  [this](std::size_t c) { return !cores[c].threads.empty(); });
    if (busy) ask(p, false);
  }
  schedule(now + settings.tick_ms, [this] { tick(); });
}

void SimulatedBoard::Impl::balance() {
  std::vector<std::size_t> idle;
  for (std::size_t c = 0; c < cores.size(); ++c) {
    if (cores[c].threads.empty() && rails[cores[c].processor].online) idle.push_back(c);
  }
  std::stable_sort(idle.begin(), idle.end(), [this](std::size_t a, std::size_t b) {
    return processor(cores[a]).capacity > processor(cores[b]).capacity;
  });
  for (const std::size_t to : idle) {
    int best = -1;
    double need = 0;
    for (const int t : working) {
      const Thread& thread = at(t);
      if (std::find(thread.allowed.begin(), thread.allowed.end(), to) == thread.allowed.end()) continue;
      const Core& from = cores[thread.core];
      const bool crowded = from.threads.size() > 1;
      const bool misfit = thread.pelt.util() > 0.8 * processor(from).capacity &&
                          processor(from).capacity < processor(cores[to]).capacity;
      if (!crowded && !misfit) continue;
      const double this_need = from.weight;
      if (best < 0 || this_need > need) {
        best = t;
        need = this_need;
      }
    }
    if (best >= 0) move(best, to);
  }
}

}  // namespace limber
