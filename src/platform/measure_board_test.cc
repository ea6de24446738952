// SPDX-License-Identifier: Apache-2.0
#include "platform/measure_board.h"

#include <gtest/gtest.h>

#include <cmath>
#include <ctime>
#include <map>

#include "base/error.h"
#include "base/random.h"
#include "platform/busy_cores.h"
#include "platform/clock.h"
#include "platform/machine.h"
#include "platform/simulated/board_fit.h"
#include "platform/simulated/thermal_fit.h"

namespace limber {
namespace {

// A board's power and heat model in virtual time, with the noise of a meter.
class ModelledMachine {
 public:
  ModelledMachine(const Board& board, const std::string& processor, double noise)
      : board_(board), processor_(board_.processors[board_.find(processor)]), noise_(noise) {
    for (const auto& opp : processor_.opps) machine.khz.push_back(opp.khz);
    celsius_ = board_.thermal.ambient_c;
    machine.processor = processor;
    machine.cores = processor_.cores();
    machine.set_khz = [this](int64_t khz) { point_ = processor_.opps[processor_.at_least(static_cast<double>(khz))]; };
    machine.khz_now = [this] { return hot ? processor_.opps.front().khz : point_.khz; };
    machine.set_load = [this](const std::string& load_class, std::size_t cores) {
      activity_ = (load_class == kDenseClass ? 1.25 : 0.75) * static_cast<double>(cores);
      cores_ = cores;
    };
    machine.wait = [this](double seconds) {
      seconds_ += seconds;
      constexpr double kStep = 0.01;
      for (double t = 0; t < seconds - 1e-9; t += kStep) {
        const double watts = power_w(processor_.power, point_, activity_, celsius_);
        celsius_ +=
            kStep * (board_.thermal.ambient_c + board_.thermal.k_per_w * watts - celsius_) / board_.thermal.tau_s;
        joules_ += watts * kStep;
        since_ += kStep;
      }
    };
    machine.watts = [this] {
      const double mean = since_ > 0 ? joules_ / since_ : 0;
      joules_ = since_ = 0;
      return mean * (1 + noise_ * (2 * random_.uniform() - 1));
    };
    machine.celsius = [this] { return std::round(celsius_); };
  }

  MeasuredMachine machine;
  bool hot = false;
  std::size_t cores_ = 0;
  double seconds_ = 0;

 private:
  const Board& board_;
  const Processor& processor_;
  double noise_;
  Random random_{11};
  OperatingPerformancePoint point_;
  double activity_ = 0, celsius_ = 0, joules_ = 0, since_ = 0;
};

Board xu3() {
  return read_board(std::string(LIMBER_BOARDS) + "/odroid-xu3.json");
}

TEST(MeasureBoard, TheFitGivesBackTheModelThatWasMeasured) {
  const Board board = xu3();
  const Processor& a15 = board.processors[board.find("A15")];
  ModelledMachine modelled(board, "A15", 0.02);
  const MeasuringPlan plan = measuring_plan(modelled.machine.khz, 4, 6);
  std::size_t told = 0;
  const MeasuringResult result =
      measure_board(modelled.machine, plan, [&](std::size_t done, std::size_t all, const std::string&) {
        EXPECT_EQ(done, told++);
        EXPECT_EQ(all, plan.steps.size() + 1);
      });
  EXPECT_EQ(told, plan.steps.size() + 1);
  EXPECT_NEAR(modelled.seconds_, plan.total_s(), 2);
  EXPECT_EQ(modelled.cores_, 0u) << "the load is on";
  EXPECT_EQ(result.measurements.power.size(), 6u * 9);
  // Through the file, as users do.
  const Measurements read = parse_measurements_csv(print_measurements(result.measurements), "rows.csv");
  const PowerFit fit = fit_power(a15, read);
  EXPECT_NEAR(fit.model.clock_w_per_ghz_v2, a15.power.clock_w_per_ghz_v2, 0.05 * a15.power.clock_w_per_ghz_v2);
  EXPECT_NEAR(fit.model.core_w_per_ghz_v2, a15.power.core_w_per_ghz_v2, 0.03 * a15.power.core_w_per_ghz_v2);
  EXPECT_NEAR(fit.model.leak_w_per_v4, a15.power.leak_w_per_v4, 0.05 * a15.power.leak_w_per_v4);
  EXPECT_NEAR(fit.classes.front().activity, 0.75, 0.02);
  EXPECT_LT(fit.all.mean, 0.02);
  const ThermalFit heat = fit_thermal(read);
  EXPECT_NEAR(heat.ambient_c, board.thermal.ambient_c, 0.5);
  EXPECT_NEAR(heat.k_per_w, board.thermal.k_per_w, 0.1);
  EXPECT_NEAR(heat.tau_s, board.thermal.tau_s, 0.5);
  fmt::print("2 % meter noise: clock {:+.1f} %, core {:+.1f} %, leak {:+.1f} %; tau {:.2f} s for {} s\n",
             100 * (fit.model.clock_w_per_ghz_v2 / a15.power.clock_w_per_ghz_v2 - 1),
             100 * (fit.model.core_w_per_ghz_v2 / a15.power.core_w_per_ghz_v2 - 1),
             100 * (fit.model.leak_w_per_v4 / a15.power.leak_w_per_v4 - 1), heat.tau_s, board.thermal.tau_s);
}

TEST(MeasureBoard, ThePlanSpreadsOverTheFrequencies) {
  const Board board = xu3();
  ModelledMachine modelled(board, "A15", 0);
  std::map<int64_t, int> steps;
  for (const auto& step : measuring_plan(modelled.machine.khz, 4, 4).steps) ++steps[step.khz];
  EXPECT_EQ(steps, (std::map<int64_t, int>{{200'000, 9}, {800'000, 9}, {1'400'000, 9}, {2'000'000, 9}}));
  EXPECT_EQ(measuring_plan(modelled.machine.khz, 1, 100).steps.size(), 19u * 3);
  EXPECT_EQ(measuring_plan({1, 2}, 2, 4).steps.size(), 2u * 5);
}

TEST(MeasureBoard, StepsThatWereSlowedDownAreLeftOut) {
  const Board board = xu3();
  ModelledMachine modelled(board, "A15", 0);
  modelled.hot = true;
  MeasuringPlan plan = measuring_plan(modelled.machine.khz, 1, 4);
  plan.trace_s = 0;
  const MeasuringResult result = measure_board(modelled.machine, plan);
  EXPECT_EQ(result.measurements.power.size(), 3u);
  ASSERT_EQ(result.left_out.size(), 9u);
  EXPECT_NE(result.left_out[0].find("800000 kHz, 0 x idle: the clock went to 200000 kHz"), std::string::npos);
}

TEST(MeasureBoard, TheLoadIsOffWhenTheMeterFails) {
  const Board board = xu3();
  ModelledMachine modelled(board, "A15", 0);
  modelled.machine.watts = [&]() -> double {
    if (modelled.cores_ > 1) fail(ErrorCode::kIo, "meter");
    return 1;
  };
  EXPECT_THROW(measure_board(modelled.machine, measuring_plan(modelled.machine.khz, 4, 4)), Error);
  EXPECT_EQ(modelled.cores_, 0u);
}

TEST(BusyCores, AreBusyUntilTheyAreTold) {
  const std::vector<int> cpus = allowed_cpus();
  BusyCores load({cpus.front()});
  const auto process_cpu_ms = [] { return 1e3 * static_cast<double>(std::clock()) / CLOCKS_PER_SEC; };
  for (const char* load_class : {kDenseClass, kStreamsClass}) {
    load.set(load_class, 1);
    const double before = process_cpu_ms();
    sleep_until_ns(now_ns() + 200'000'000);
    EXPECT_GT(process_cpu_ms() - before, 20) << load_class;
  }
  load.set("", 0);
  const double before = process_cpu_ms();
  sleep_until_ns(now_ns() + 50'000'000);
  EXPECT_LT(process_cpu_ms() - before, 15);
  EXPECT_THROW(load.set("idle", 1), Error);
  EXPECT_THROW(load.set(kDenseClass, 2), Error);
  EXPECT_THROW(BusyCores({cpus.front(), 1'000'000}).set(kDenseClass, 2), Error);
}

}  // namespace
}  // namespace limber
