// SPDX-License-Identifier: Apache-2.0
#include "platform/simulated/simulated_board.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "platform/simulated/placement.h"

namespace limber {
namespace {

constexpr double kNever = std::numeric_limits<double>::infinity();
constexpr double kThermalMs = 50;  // heat moves much more slowly
constexpr double kBalanceMs = 4;   // a tick at HZ=250
constexpr double kDone = 1e-9;     // ms of work

double weight_of(int nice) {
  return 1024 / std::pow(1.25, nice);
}

}  // namespace

struct SimulatedBoard::Impl {
  struct Thread {
    ThreadSettings settings;
    std::vector<std::size_t> allowed;  // cores
    double weight = 1024;
    Pelt pelt;
    double slept_at = 0;
    double est = 0;  // util_est
    bool working = false;
    bool between = false;  // one job has ended, and the next may begin at the same moment: it does not sleep
    ThreadWork all, left;
    Callback done;
    std::size_t core = 0;  // where it is, or was last
    bool placed = false;
  };
  struct Core {
    int cpu = -1;  // -1: a GPU
    std::size_t processor = 0;
    Pelt pelt;
    std::vector<int> threads;  // that work
    double weight = 0;         // of these
    double idle_since = 0;
    double busy_ms = 0, asked_busy_ms = 0;  // ever; when the governor was asked last
  };
  struct Rail {
    std::unique_ptr<Governor> governor;
    int generation = 0;  // of its governor: timers of earlier ones end
    std::size_t opp = 0, target = 0;
    std::size_t lowest = 0, highest = 0;  // limits
    double requested_khz = 0;
    double changed_at = -kNever, asked_at = 0, stalled_until = -1;
    bool online = true;
    std::vector<std::size_t> cores;
    double energy_mj = 0, watt = 0;
  };
  struct Event {
    double ms;
    uint64_t order;
    Callback what;
    bool operator>(const Event& other) const { return ms != other.ms ? ms > other.ms : order > other.order; }
  };
  struct Meter {
    double mw = 0, last_mj = 0;
  };

  Impl(const Board& b, const SimulationSettings& s) : board(b), settings(s) {
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
    if (!board.trips.empty()) schedule(board.trip_period_ms, [this] { trip(); });
    for (std::size_t i = 0; i < meters.size(); ++i) schedule(board.sensors[i].period_ms, [this, i] { meter(i); });
    rates_changed();
  }

  const Board& board;
  SimulationSettings settings;
  double now = 0;
  uint64_t order = 0;
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events;
  std::vector<Thread> threads;
  std::vector<int> working;  // indices into threads
  std::vector<Core> cores;
  std::vector<Rail> rails;
  double celsius = 0, heated_mj = 0, rest_mj = 0, contention = 1;
  std::vector<int> steps;  // of each trip
  std::vector<Meter> meters;
  bool ticking = false;
  double balanced_at = 0;

  const Processor& processor(const Core& core) const { return board.processors[core.processor]; }

  void schedule(double ms, Callback what) { events.push({std::max(ms, now), order++, std::move(what)}); }

  // --- rates ---

  // 0..1 of the board's fastest core at its highest frequency; a GPU's work is given for the GPU itself.
  double speed(const Core& core) const {
    const Rail& rail = rails[core.processor];
    if (!rail.online || rail.stalled_until > now) return 0;
    return clock_share(core) * processor(core).capacity / 1024;
  }
  double clock_share(const Core& core) const {
    const Processor& p = processor(core);
    return static_cast<double>(p.opps[rails[core.processor].opp].khz) / static_cast<double>(p.highest().khz);
  }

  // Milliseconds that the thread's rest takes if nothing changes.
  double rest_ms(const Thread& thread) const {
    const Core& core = cores[thread.core];
    const double s = speed(core), share = thread.weight / core.weight;
    if (thread.left.compute_ms > 0 && s <= 0) return kNever;
    const double compute = thread.left.compute_ms > 0 ? thread.left.compute_ms / s : 0;
    return (compute + thread.left.memory_ms * contention) / share;
  }

  // Memory time grows once the threads together want more than all of it.
  void find_contention() {
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

  void find_watts() {
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

  void rates_changed() {
    find_contention();
    find_watts();
  }

  // --- time ---

  void advance(double to) {
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
    }
    for (Core& core : cores) {
      if (core.threads.empty()) continue;
      core.pelt.run(ms, speed(core));
      core.busy_ms += ms;
    }
    now = to;
  }

  void run_until(double ms) {
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

  // --- threads ---

  Thread& at(int thread) { return threads.at(static_cast<std::size_t>(thread)); }

  void find_allowed(Thread* thread) {
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

  // What the scheduler takes a core's utilisation for.
  double core_util(std::size_t c) const {
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

  std::size_t place(const Thread& thread) const {
    std::vector<CoreState> states;
    states.reserve(cores.size());
    for (std::size_t c = 0; c < cores.size(); ++c) {
      const Core& core = cores[c];
      states.push_back({core.processor, processor(core).capacity, core_util(c), core.weight,
                        rails[core.processor].online && core.cpu >= -1});
    }
    const double util = settings.governor.util_est ? std::max(thread.pelt.util(), thread.est) : thread.pelt.util();
    return place_thread(board, states, thread.allowed, util, thread.placed ? static_cast<int>(thread.core) : -1);
  }

  void enqueue(int t, std::size_t c) {
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

  void dequeue(int t) {
    Core& core = cores[at(t).core];
    core.threads.erase(std::find(core.threads.begin(), core.threads.end(), t));
    core.weight = 0;
    for (const int other : core.threads) core.weight += at(other).weight;
    if (core.threads.empty()) core.idle_since = now;
  }

  void start(int t, const ThreadWork& work, Callback done) {
    Thread& thread = at(t);
    if (thread.working) fail(ErrorCode::kInvalidArgument, "thread '{}' still works", thread.settings.name);
    if (!(work.compute_ms >= 0 && work.memory_ms >= 0))
      fail(ErrorCode::kInvalidArgument, "thread '{}': work of {} and {} ms; legal: 0 and more", thread.settings.name,
           work.compute_ms, work.memory_ms);
    thread.working = true;
    thread.all = thread.left = work;
    thread.done = std::move(done);
    if (thread.between) {
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

  void sleep(int t) {
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

  void finish(int t) {
    const Callback done = std::move(at(t).done);
    at(t).left = {};
    at(t).working = false;
    at(t).between = true;
    if (done) done();
    at(t).between = false;
    if (!at(t).working) sleep(t);
  }

  void move(int t, std::size_t c) {
    const std::size_t from = cores[at(t).core].processor;
    dequeue(t);
    enqueue(t, c);
    rates_changed();
    ask(from, false);
    ask(cores[c].processor, false);
  }

  // --- the scheduler's tick ---

  void start_ticking() {
    if (ticking) return;
    ticking = true;
    schedule(now + settings.tick_ms, [this] { tick(); });
  }

  void tick() {
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

  // Idle cores take a thread from one that has several, and one that is too much for a smaller core.
  void balance() {
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

  // --- clocks ---

  void set_governor(std::size_t p, const std::string& name) {
    Rail& rail = rails.at(p);
    rail.governor = make_governor(name, settings.governor);
    ++rail.generation;
    rail.asked_at = now;
    for (const std::size_t c : rail.cores) cores[c].asked_busy_ms = cores[c].busy_ms;
    ask(p, true);
    if (rail.governor->period_ms() > 0) schedule_governor(p, rail.generation);
  }

  void schedule_governor(std::size_t p, int generation) {
    schedule(now + rails[p].governor->period_ms(), [this, p, generation] {
      if (rails[p].generation != generation) return;
      ask(p, true);
      schedule_governor(p, generation);
    });
  }

  int steps_of(std::size_t p) const {
    int most = 0;
    for (std::size_t i = 0; i < steps.size(); ++i) {
      if (board.trips[i].processor == board.processors[p].name) most = std::max(most, steps[i]);
    }
    return most;
  }

  // now_or_never: a governor with a period is asked at its times only, one with a rate limit not too often.
  void ask(std::size_t p, bool now_or_never) {
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

  void actuate(std::size_t p, std::size_t opp) {
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

  void set_online(std::size_t p, bool online) {
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

  // --- heat and meters ---

  void heat() {
    const double watt = heated_mj / kThermalMs;
    heated_mj = 0;
    const ThermalModel& model = board.thermal;
    const double end = model.ambient_c + model.k_per_w * (watt + board.rest_w);
    celsius += (end - celsius) * (1 - std::exp(-kThermalMs * 1e-3 / model.tau_s));
    find_watts();
    schedule(now + kThermalMs, [this] { heat(); });
  }

  void trip() {
    for (std::size_t i = 0; i < board.trips.size(); ++i) {
      const Trip& trip = board.trips[i];
      if (celsius > trip.above_c) {
        steps[i] = std::min(steps[i] + 1, trip.most_steps);
      } else if (celsius < trip.above_c - trip.hysteresis_c) {
        steps[i] = std::max(steps[i] - 1, 0);
      }
    }
    for (std::size_t p = 0; p < rails.size(); ++p) ask(p, rails[p].governor->period_ms() <= 0);
    schedule(now + board.trip_period_ms, [this] { trip(); });
  }

  double metered_mj(const PowerSensor& sensor) const {
    double sum = sensor.whole_board ? rest_mj : 0;
    for (std::size_t p = 0; p < rails.size(); ++p) {
      const std::string& name = board.processors[p].name;
      const bool seen = sensor.whole_board ||
                        std::find(sensor.processors.begin(), sensor.processors.end(), name) != sensor.processors.end();
      if (seen) sum += rails[p].energy_mj;
    }
    return sum;
  }

  void meter(std::size_t i) {
    const PowerSensor& sensor = board.sensors[i];
    Meter& meter = meters[i];
    const double mj = metered_mj(sensor);
    meter.mw = (mj - meter.last_mj) / sensor.period_ms * 1e3;
    if (sensor.resolution_mw > 0) meter.mw = std::round(meter.mw / sensor.resolution_mw) * sensor.resolution_mw;
    meter.last_mj = mj;
    schedule(now + sensor.period_ms, [this, i] { this->meter(i); });
  }
};

SimulatedBoard::SimulatedBoard(Board board, const SimulationSettings& settings)
    : board_(std::move(board)), impl_(std::make_unique<Impl>(board_, settings)) {}
SimulatedBoard::~SimulatedBoard() = default;

double SimulatedBoard::now_ms() const {
  return impl_->now;
}
void SimulatedBoard::run_until(double ms) {
  impl_->run_until(ms);
}
void SimulatedBoard::at(double ms, Callback what) {
  impl_->schedule(ms, std::move(what));
}

int SimulatedBoard::add_thread(const ThreadSettings& settings) {
  Impl::Thread thread;
  thread.settings = settings;
  thread.weight = weight_of(settings.nice);
  thread.pelt = Pelt(impl_->settings.half_life_ms);
  thread.pelt.set(settings.util);
  thread.slept_at = impl_->now;
  impl_->find_allowed(&thread);
  if (thread.allowed.empty())
    fail(ErrorCode::kInvalidArgument, "{}: thread '{}' may run nowhere: no such processor or CPU", board_.name,
         settings.name);
  impl_->threads.push_back(std::move(thread));
  return static_cast<int>(impl_->threads.size()) - 1;
}

void SimulatedBoard::start(int thread, const ThreadWork& work, Callback done) {
  impl_->start(thread, work, std::move(done));
}
void SimulatedBoard::stop(int thread) {
  if (!impl_->at(thread).working) return;
  impl_->sleep(thread);
  impl_->at(thread).done = nullptr;
}
bool SimulatedBoard::working(int thread) const {
  return impl_->at(thread).working;
}
double SimulatedBoard::left(int thread) const {
  const Impl::Thread& t = impl_->at(thread);
  const double all = t.all.compute_ms + t.all.memory_ms;
  return !t.working || all <= 0 ? 0 : (t.left.compute_ms + t.left.memory_ms) / all;
}

void SimulatedBoard::set_cpus(int thread, std::vector<int> cpus) {
  Impl::Thread& t = impl_->at(thread);
  std::swap(t.settings.cpus, cpus);
  impl_->find_allowed(&t);
  if (t.allowed.empty()) {
    std::swap(t.settings.cpus, cpus);
    impl_->find_allowed(&t);
    fail(ErrorCode::kInvalidArgument, "{}: thread '{}' would run nowhere: no such CPU", board_.name, t.settings.name);
  }
  if (t.working && std::find(t.allowed.begin(), t.allowed.end(), t.core) == t.allowed.end())
    impl_->move(thread, impl_->place(t));
}
void SimulatedBoard::set_clamps(int thread, double clamp_min, double clamp_max) {
  Impl::Thread& t = impl_->at(thread);
  t.settings.clamp_min = clamp_min;
  t.settings.clamp_max = clamp_max;
  if (t.working) impl_->ask(impl_->cores[t.core].processor, false);
}
void SimulatedBoard::set_activity(int thread, double activity) {
  impl_->at(thread).settings.activity = activity;
  impl_->find_watts();
}
int SimulatedBoard::cpu_of(int thread) const {
  return impl_->cores[impl_->at(thread).core].cpu;
}

void SimulatedBoard::set_governor(std::size_t processor, const std::string& name) {
  impl_->set_governor(processor, name);
}
void SimulatedBoard::set_limits(std::size_t processor, int64_t least_khz, int64_t most_khz) {
  Impl::Rail& rail = impl_->rails.at(processor);
  const Processor& p = board_.processors[processor];
  rail.lowest = p.at_least(static_cast<double>(least_khz));
  rail.highest = p.at_least(static_cast<double>(most_khz));
  if (rail.highest > 0 && p.opps[rail.highest].khz > most_khz) --rail.highest;
  rail.highest = std::max(rail.highest, rail.lowest);
  impl_->ask(processor, true);
}
void SimulatedBoard::set_frequency(std::size_t processor, int64_t khz) {
  impl_->rails.at(processor).requested_khz = static_cast<double>(khz);
  impl_->ask(processor, true);
}
void SimulatedBoard::set_online(std::size_t processor, bool online) {
  impl_->set_online(processor, online);
}

std::size_t SimulatedBoard::opp(std::size_t processor) const {
  return impl_->rails.at(processor).opp;
}
double SimulatedBoard::celsius() const {
  return impl_->celsius;
}
double SimulatedBoard::energy_mj(std::size_t processor) const {
  return impl_->rails.at(processor).energy_mj;
}
double SimulatedBoard::energy_mj() const {
  double sum = impl_->rest_mj;
  for (const Impl::Rail& rail : impl_->rails) sum += rail.energy_mj;
  return sum;
}
double SimulatedBoard::busy_ms(std::size_t processor) const {
  double sum = 0;
  for (const std::size_t c : impl_->rails.at(processor).cores) sum += impl_->cores[c].busy_ms;
  return sum;
}
double SimulatedBoard::util(int cpu) const {
  for (std::size_t c = 0; c < impl_->cores.size(); ++c) {
    if (impl_->cores[c].cpu == cpu) return impl_->core_util(c);
  }
  fail(ErrorCode::kInvalidArgument, "{}: no CPU {}", board_.name, cpu);
}
double SimulatedBoard::sensor_mw(std::size_t sensor) const {
  return impl_->meters.at(sensor).mw;
}
int SimulatedBoard::throttled(std::size_t processor) const {
  return impl_->steps_of(processor);
}

}  // namespace limber
