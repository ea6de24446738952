// SPDX-License-Identifier: Apache-2.0
// What happens on a board: applications, strangers, events. Layer: tool.
//
// The file is TOML, scenarios/NAME.toml, keys as the fields below. A list where one number or word could stand is a
// sweep: one scenario for each value, and for each combination where there are several lists.
#pragma once
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace limber::tool {

enum class ArrivalKind {
  kPeriodic,  // every period_ms, each up to jitter_ms early or late (uniform)
  kPoisson,   // rate_hz on average
  kBursts,    // burst frames, period_ms apart, rate_hz bursts on average
  kRecorded,  // as a trace says: of limber run or of limber simulate
};

struct Arrivals {
  ArrivalKind kind = ArrivalKind::kPeriodic;
  double period_ms = 0, jitter_ms = 0, rate_hz = 0;
  int64_t burst = 1;
  std::string file, policy;  // of a trace: the path, and whose frames; empty: the first policy's
};

enum class FloorKind {
  kLargest,   // the largest member
  kMinusOne,  // at most one point below it
  kFree,
};

struct Application {
  std::string name;
  std::string model;           // a model file: its members, their accuracies
  std::string profile;         // their times: a name in scenarios/profiles, or a path; empty: the model's name
  double work_ms = 0;          // of the largest member, one core of the fastest cluster at its highest frequency, alone
  double work_noise = 0;       // standard deviation of a frame's work, as a share of it
  double memory_share = 0.05;  // of the work, that waits for memory whatever the clock
  double activity = 1.36;  // how hard it works a core (board.h): dense multiply-adds, by measurement (boards/README.md)
  int64_t kernels = 40;    // launched for a frame, on a GPU
  Arrivals arrivals;
  double deadline_ms = 0;  // 0: the period
  FloorKind floor = FloorKind::kFree;
  double weight = 1;
  double start_s = 0, stop_s = 1e9;

  double deadline() const { return deadline_ms > 0 ? deadline_ms : arrivals.period_ms; }
};

// Other people's work: threads that never sleep, or a share of a GPU's time.
struct Stranger {
  std::string name;
  std::string processor = "any";  // "any" CPU, "gpu", or a processor's name
  int64_t threads = 1;
  int64_t nice = 0;
  double share = 1;
  double start_s = 0, stop_s = 1e9;
};

enum class EventKind {
  kThermalCap,     // the board shall stay below temperature_c
  kTarget,         // the application has another deadline from now on
  kProcessorGone,  // taken away
  kSensorFailure,  // power meters hold their last value
};

struct Event {
  EventKind kind = EventKind::kThermalCap;
  double at_s = 0, until_s = 1e9;
  double temperature_c = 0;
  std::string application;
  double deadline_ms = 0;
  std::string processor;
};

struct Scenario {
  std::string name, board;
  // What the sweep has made of this one: {"camera.period_ms", "25"}.
  std::vector<std::pair<std::string, std::string>> swept;
  double duration_s = 0, warmup_s = 0;
  uint64_t first_seed = 1;
  int64_t seeds = 1;
  std::vector<Application> applications;
  std::vector<Stranger> strangers;
  std::vector<Event> events;
  double profile_error = 0;     // the manager's own table is off by up to this, drawn for each operating point
  bool activity_known = false;  // whether it knows how hard the network works a core (power model)
};

// Fails with kBadFile naming line, key and what is legal (kNotFound, kIo).
std::vector<Scenario> read_scenarios(const std::string& path);
std::vector<Scenario> parse_scenarios(const std::string& text, const std::string& where);

}  // namespace limber::tool
