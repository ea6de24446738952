// SPDX-License-Identifier: Apache-2.0
// A board in virtual time: threads on cores under Linux's scheduler and governors, power, heat, meters. Layer:
// platform.
//
// Deterministic: the same calls give the same numbers. Not thread-safe. Between two events (a thread's job ends, a
// timer, a clock changes, a tick of a busy core) every rate is constant, so time, energy and utilisation are integrated
// exactly.
//
// What it simplifies: threads on one core share it continuously by weight (no time slices); all of a board's heat is in
// one node; idle cores take no power of their own beyond clock and leakage (no cluster power-down).
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <queue>
#include <string>
#include <vector>

#include "platform/simulated/board.h"
#include "platform/simulated/governor.h"
#include "platform/simulated/pelt.h"

namespace limber {

// One thread's part of a job. Memory time does not depend on the clock; what all threads want together shares the
// memory's bandwidth.
struct ThreadWork {
  double compute_ms = 0;  // on the board's fastest CPU core at its highest frequency, alone
  double memory_ms = 0;
};

struct ThreadSettings {
  std::string name;
  std::string processor;  // where it may run: one processor (a GPU's work runs on it alone); "": all CPUs
  std::vector<int> cpus;  // of these, only here; empty: all
  int nice = 0;
  double activity = 1;  // of the power model, while it runs
  double clamp_min = 0, clamp_max = 1024;
  double util = 0;       // to begin with; a forked thread has half of what is free
  bool foreign = false;  // its time is counted apart: see foreign_ms()
};

struct SimulationSettings {
  GovernorSettings governor;
  double tick_ms = 1;        // of the scheduler: governors and balancing look again
  double half_life_ms = 32;  // PELT
  double start_c = -1000;    // temperature at the start; below -273: the ambient one
};

class SimulatedBoard {
 public:
  using Callback = std::function<void()>;

  explicit SimulatedBoard(Board board, const SimulationSettings& settings = {});
  ~SimulatedBoard();

  const Board& board() const { return board_; }
  double now_ms() const;
  // Runs everything that happens until then, in order. Callbacks may use the board.
  void run_until(double ms);
  // `what` at that time, or now where it has passed; those of one time in the order in which they were asked for.
  void at(double ms, Callback what);

  // --- threads and jobs ---
  int add_thread(const ThreadSettings& settings);
  // The thread wakes, works and sleeps again; `done` is called at the end. One at a time: fails with kInvalidArgument
  // while it works. Work that never ends (a stranger): infinity.
  void start(int thread, const ThreadWork& work, Callback done);
  void stop(int thread);  // gives up the job; done is not called
  bool working(int thread) const;
  double left(int thread) const;  // of its job, 0..1
  void set_cpus(int thread, std::vector<int> cpus);
  void set_clamps(int thread, double clamp_min, double clamp_max);
  void set_activity(int thread, double activity);
  int cpu_of(int thread) const;  // where it is, or was last

  // --- knobs of a processor ---
  void set_governor(std::size_t processor, const std::string& name);
  void set_limits(std::size_t processor, int64_t least_khz, int64_t most_khz);  // as policy limits: rounded to points
  void set_frequency(std::size_t processor, int64_t khz);                       // userspace
  void set_online(std::size_t processor, bool online);  // offline: nothing runs there and it takes no power
  // Above this temperature all processors are taken back step by step, as by a trip; infinity: no cap.
  void set_cap(double celsius);

  // --- monitors ---
  std::size_t opp(std::size_t processor) const;
  double celsius() const;
  double energy_mj(std::size_t processor) const;                     // true values, which no manager sees
  double energy_mj() const;                                          // of the whole board
  double busy_ms(std::size_t processor) const;                       // of all its cores
  double foreign_ms(std::size_t processor, std::size_t core) const;  // that foreign threads ran there
  double foreign_work_ms() const;  // what all of them did, in the time of a core of capacity 1024 at its highest point
  double util(int cpu) const;      // PELT of the core
  double sensor_mw(std::size_t sensor) const;  // as read: the last value
  int throttled(std::size_t processor) const;  // steps below the highest point that heat took

 private:
  struct Impl;
  Board board_;
  std::unique_ptr<Impl> impl_;
};

}  // namespace limber
