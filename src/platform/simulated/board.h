// SPDX-License-Identifier: Apache-2.0
// A board as data: what the simulator knows of it. Layer: platform.
//
// The file is JSON, boards/NAME.json: {"format": "limber-board", "version": 1, ...}, keys as the fields below, units in
// the keys. Goals: every group of values says where it comes from and how far it can be trusted; a user's own board is
// a file, not code. Non-goals: caches, pipelines, anything below a millisecond except where a delay is given.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace limber {

// Where values come from.
struct Provenance {
  std::string confidence;  // "high": read in a primary source; "medium": derived or second hand; "low": estimated
  std::string text;
};

struct OperatingPerformancePoint {
  int64_t khz = 0;
  double volt = 0;
};

// P = (clock + core * sum of activity) * f * V^2 + leak * V^4 * exp(leak_per_c * (T - 50)) + idle: the three terms of a
// CPU rail and the constant one of a GPU's. `core` is for the workload class whose activity is 1; a class that works
// its core harder has more (validated on 2,160 measured points of an Exynos 5422, see boards/README.md).
struct PowerModel {
  double clock_w_per_ghz_v2 = 0;
  double core_w_per_ghz_v2 = 0;
  double leak_w_per_v4 = 0;
  double leak_per_c = 0;
  double idle_w = 0;
};

enum class ProcessorKind { kCpu, kGpu };

// Cores that share a clock and a rail: a CPU cluster, or a GPU (one core).
struct Processor {
  std::string name;  // "A15", "gpu"
  ProcessorKind kind = ProcessorKind::kCpu;
  std::vector<int> cpus;                        // logical CPUs; empty for a GPU
  double capacity = 1024;                       // of one core at the highest frequency; 1024: the board's fastest CPU
  std::vector<OperatingPerformancePoint> opps;  // ascending
  PowerModel power;
  double stall_us = 0;      // nothing runs while the clock changes
  double actuation_us = 0;  // from the request until the new frequency holds
  double warm_up_us = 0;    // a thread that comes from elsewhere loses as much
  // A GPU for networks: how much faster than one core of capacity 1024 at its highest frequency, 0: they do not run on
  // it; and what a kernel's launch takes of such a core, which goes on beside the GPU's work.
  double speed = 0, launch_us = 0;
  Provenance speed_source;
  std::string default_governor;
  Provenance opp_source, power_source;
  bool calibrated = false;  // its power was fitted to, or held against, measurements

  std::size_t cores() const { return kind == ProcessorKind::kCpu ? cpus.size() : 1; }
  const OperatingPerformancePoint& highest() const { return opps.back(); }
  // Index of the lowest point of at least `khz`; the highest where none is.
  std::size_t at_least(double khz) const;
};

// One thermal node, which all processors heat: T' = (ambient + resistance * P - T) / tau.
struct ThermalModel {
  double ambient_c = 25;
  double k_per_w = 0;
  double tau_s = 1;
  Provenance source;
};

// From `above_c` on, until `hysteresis_c` below it, the processor is held below its highest point, one more step down
// every `period_ms` while it stays hot, one up while it is cooler: the kernel's step_wise governor.
struct Trip {
  std::string processor;
  double above_c = 0, hysteresis_c = 0;
  int most_steps = 0;
};

// A power meter on one or several rails; sample and hold.
struct PowerSensor {
  std::string name;                     // "VDD_CPU_GPU_CV"
  std::vector<std::string> processors;  // what it sees
  bool whole_board = false;             // the rest of the board, too
  double period_ms = 0;                 // a new value, the mean of the time since the last
  double resolution_mw = 0;
};

struct Board {
  std::string name, title;
  // Every CPU cluster is calibrated; false: some power figures are estimates, and results say so. A GPU speaks for
  // itself: in a file a cluster is what the board is, a GPU is not, unless its `power` says otherwise.
  bool calibrated = false;
  std::vector<Processor> processors;
  double rest_w = 0;           // everything but the processors, always
  double memory_mb_per_s = 0;  // what all cores together get out of the memory; turns bytes into ThreadWork::memory_ms
  ThermalModel thermal;
  std::vector<Trip> trips;
  double trip_period_ms = 100;
  std::vector<PowerSensor> sensors;
  std::vector<std::pair<std::string, Provenance>> sources;  // of the groups of values that are not a processor's

  // Index into processors; fails with kInvalidArgument naming those there are.
  std::size_t find(const std::string& processor) const;
};

// Fails with kBadFile (kNotFound, kIo) naming the place, what was found and what is legal.
Board read_board(const std::string& path);
Board parse_board(const std::string& text, const std::string& where);
// The file's text: parsing it gives the same board (volts to a microvolt).
std::string print_board(const Board& board);

// The watts of a processor whose busy cores' activities add up to `activity`, at that point and temperature.
double power_w(const PowerModel& model, const OperatingPerformancePoint& point, double activity, double celsius);

}  // namespace limber
