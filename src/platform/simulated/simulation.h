// SPDX-License-Identifier: Apache-2.0
// What a simulated board consists of: for the .cc files of this folder only. Time is in simulation.cc, threads in
// simulation_threads.cc, clocks in simulation_clocks.cc, heat and meters in simulation_heat.cc. Layer: platform.
#pragma once
#include <limits>
#include <memory>
#include <queue>
#include <string>
#include <vector>

#include "platform/simulated/simulated_board.h"

namespace limber {

struct SimulatedBoard::Impl {
  static constexpr double kNever = std::numeric_limits<double>::infinity();
  static constexpr double kThermalMs = 50;  // heat moves much more slowly

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
    double foreign_ms = 0;                  // of these
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

  Impl(const Board& b, const SimulationSettings& s);

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
  double foreign_work_ms = 0;
  std::vector<int> steps;  // of each trip
  double cap_c = kNever;
  int cap_steps = 0;
  std::vector<Meter> meters;
  bool ticking = false;
  double balanced_at = 0;

  const Processor& processor(const Core& core) const { return board.processors[core.processor]; }

  void schedule(double ms, Callback what) { events.push({std::max(ms, now), order++, std::move(what)}); }

  // --- rates ---

  // 0..1 of the board's fastest core at its highest frequency; a GPU's work is given for the GPU itself.
  double speed(const Core& core) const;
  double clock_share(const Core& core) const;
  // Milliseconds that the thread's rest takes if nothing changes.
  double rest_ms(const Thread& thread) const;
  // Memory time grows once the threads together want more than all of it.
  void find_contention();
  void find_watts();
  void rates_changed();

  // --- time ---

  void advance(double to);
  void run_until(double ms);

  // --- threads ---

  Thread& at(int thread) { return threads.at(static_cast<std::size_t>(thread)); }
  void find_allowed(Thread* thread);
  // What the scheduler takes a core's utilisation for.
  double core_util(std::size_t c) const;
  std::size_t place(const Thread& thread) const;
  void enqueue(int t, std::size_t c);
  void dequeue(int t);
  void start(int t, const ThreadWork& work, Callback done);
  void sleep(int t);
  void finish(int t);
  void move(int t, std::size_t c);

  // --- the scheduler's tick ---

  void start_ticking();
  void tick();
  // Idle cores take a thread from one that has several, and one that is too much for a smaller core.
  void balance();

  // --- clocks ---

  void set_governor(std::size_t p, const std::string& name);
  void schedule_governor(std::size_t p, int generation);
  int steps_of(std::size_t p) const;
  // now_or_never: a governor with a period is asked at its times only, one with a rate limit not too often.
  void ask(std::size_t p, bool now_or_never);
  void actuate(std::size_t p, std::size_t opp);
  void set_online(std::size_t p, bool online);

  // --- heat and meters ---

  void heat();
  void trip();
  double metered_mj(const PowerSensor& sensor) const;
  void meter(std::size_t i);
};

}  // namespace limber
