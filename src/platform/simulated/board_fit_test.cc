// SPDX-License-Identifier: Apache-2.0
#include "platform/simulated/board_fit.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"
#include "base/need_in_test.h"
#include "base/random.h"
#include "formats/json_fields.h"
#include "platform/simulated/measured_xu3.h"

namespace limber {
namespace {

Board xu3() {
  return read_board(std::string(LIMBER_BOARDS) + "/odroid-xu3.json");
}

// Two classes of load, activities 0.8 and 1.2 of the model's `core`, none to all cores, at those points.
Measurements made(const Processor& processor, const PowerModel& model, const std::vector<std::size_t>& points,
                  double noise = 0, uint64_t seed = 1) {
  Random random(seed);
  Measurements measurements;
  measurements.where = "made";
  for (const std::size_t p : points) {
    for (std::size_t busy = 0; busy <= processor.cores(); ++busy) {
      for (const std::string load_class : {"streams", "dense"}) {
        PowerRow row;
        row.place = fmt::format("made: row {}", measurements.power.size() + 1);
        row.processor = processor.name;
        row.khz = processor.opps[p].khz;
        row.busy = static_cast<double>(busy);
        row.load_class = busy == 0 ? kIdleClass : load_class;
        const double activity = (load_class == "dense" ? 1.2 : 0.8) * row.busy;
        row.celsius = 42 + 2.0 * static_cast<double>(busy) + 0.5 * static_cast<double>(p);
        row.watts = power_w(model, processor.opps[p], activity, *row.celsius) *
                    (1 + noise * 2 * std::sqrt(3.0) * (random.uniform() - 0.5));
        measurements.power.push_back(row);
      }
    }
  }
  return measurements;
}

std::string refusal(const Processor& processor, const Measurements& measurements, const FitOptions& options = {}) {
  try {
    fit_power(processor, measurements, options);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    return error.what();
  }
  return "";
}

#define EXPECT_TELLS(text, part) EXPECT_NE((text).find(part), std::string::npos) << (text)

TEST(BoardFit, GivesBackTheModelThatMadeTheRows) {
  const Board board = xu3();
  for (const char* name : {"A15", "A7"}) {
    const Processor& processor = board.processors[board.find(name)];
    const PowerFit fit = fit_power(processor, made(processor, processor.power, {0, 4, 8, 12}));
    EXPECT_NEAR(fit.model.clock_w_per_ghz_v2, processor.power.clock_w_per_ghz_v2, 1e-9);
    EXPECT_NEAR(fit.model.core_w_per_ghz_v2, processor.power.core_w_per_ghz_v2, 1e-9);
    EXPECT_NEAR(fit.model.leak_w_per_v4, processor.power.leak_w_per_v4, 1e-9);
    EXPECT_EQ(fit.model.leak_per_c, processor.power.leak_per_c);
    EXPECT_FALSE(fit.leak_per_c_fitted);
    ASSERT_EQ(fit.classes.size(), 2u);
    EXPECT_EQ(fit.classes[0].name, "streams");
    EXPECT_NEAR(fit.classes[0].activity, 0.8, 1e-9);
    EXPECT_NEAR(fit.classes[1].activity, 1.2, 1e-9);
    EXPECT_LT(fit.all.worst, 1e-9);
    EXPECT_TRUE(fit.good());
  }
}

TEST(BoardFit, HowLeakageGrowsIsFittedWhereTemperaturesVary) {
  const Board board = xu3();
  const Processor& a15 = board.processors[board.find("A15")];
  PowerModel model = a15.power;
  model.leak_per_c = 0.021;
  Measurements measurements = made(a15, model, {0, 8, 16, 18});
  EXPECT_FALSE(fit_power(a15, measurements).leak_per_c_fitted) << "heat that comes with load tells nothing";
  // The same once more, some 25 K hotter.
  for (std::size_t i = 0, rows = measurements.power.size(); i < rows; ++i) {
    PowerRow row = measurements.power[i];
    const double activity = row.load_class == "dense" ? 1.2 * row.busy : 0.8 * row.busy;
    *row.celsius += 25;
    row.watts = power_w(model, a15.opps[a15.at_least(static_cast<double>(row.khz))], activity, *row.celsius);
    measurements.power.push_back(row);
  }
  const PowerFit fit = fit_power(a15, measurements);
  EXPECT_TRUE(fit.leak_per_c_fitted);
  EXPECT_NEAR(fit.model.leak_per_c, 0.021, 1e-5);
  EXPECT_NEAR(fit.model.leak_w_per_v4, model.leak_w_per_v4, 1e-5);
}

TEST(BoardFit, NoiseOfTwoPercentMovesCoefficientsLittle) {
  const Board board = xu3();
  const Processor& a15 = board.processors[board.find("A15")];
  double clock = 0, core = 0, leak = 0;
  constexpr int kSeeds = 20;
  for (int seed = 0; seed < kSeeds; ++seed) {
    const PowerFit fit = fit_power(a15, made(a15, a15.power, {0, 4, 8, 12, 16}, 0.02, static_cast<uint64_t>(seed) + 1));
    clock = std::max(clock, std::abs(fit.model.clock_w_per_ghz_v2 / a15.power.clock_w_per_ghz_v2 - 1));
    core = std::max(core, std::abs(fit.model.core_w_per_ghz_v2 / a15.power.core_w_per_ghz_v2 - 1));
    leak = std::max(leak, std::abs(fit.model.leak_w_per_v4 / a15.power.leak_w_per_v4 - 1));
    EXPECT_LT(fit.all.mean, 0.025);
    EXPECT_GT(fit.all.mean, 0.005) << "noise went unseen";
  }
  EXPECT_LT(clock, 0.1);
  EXPECT_LT(core, 0.03);
  EXPECT_LT(leak, 0.1);
  fmt::print("2 % noise, {} seeds, at worst: clock {:.1f} %, core {:.1f} %, leak {:.1f} % off\n", kSeeds, 100 * clock,
             100 * core, 100 * leak);
}

TEST(BoardFit, AFewWildRowsAreLeftOutAndNamed) {
  const Board board = xu3();
  const Processor& a15 = board.processors[board.find("A15")];
  Measurements measurements = made(a15, a15.power, {0, 4, 8, 12, 16});
  measurements.power[7].watts *= 2;
  measurements.power[33].watts *= 0.4;
  const PowerFit fit = fit_power(a15, measurements);
  EXPECT_NEAR(fit.model.core_w_per_ghz_v2, a15.power.core_w_per_ghz_v2, 1e-6);
  EXPECT_NEAR(fit.model.leak_w_per_v4, a15.power.leak_w_per_v4, 1e-6);
  ASSERT_EQ(fit.outliers.size(), 2u);
  EXPECT_EQ(fit.outliers[0].place, "made: row 8");
  EXPECT_NEAR(fit.outliers[0].error, -0.5, 1e-6);
  EXPECT_NEAR(fit.all.worst, 1.5, 1e-6) << "the errors that are told are of all rows";
}

TEST(BoardFit, ANoisyModelIsNotCalledCalibrated) {
  Board board = xu3();
  const std::size_t a15 = board.find("A15");
  const auto measurements = made(board.processors[a15], board.processors[a15].power, {0, 4, 8, 12, 16}, 0.3);
  const PowerFit fit = fit_power(board.processors[a15], measurements);
  EXPECT_FALSE(fit.good()) << fit.all.mean;
  store_power(fit, "today", "made", {}, a15, &board);
  EXPECT_FALSE(board.processors[a15].calibrated);
  EXPECT_FALSE(board.calibrated);
  EXPECT_EQ(board.processors[a15].power_source.confidence, "low");
}

TEST(BoardFit, WhatIsStoredIsCalibratedAndSaysWhereItIsFrom) {
  Board board = read_board(std::string(LIMBER_BOARDS) + "/raspberry-pi-5.json");
  EXPECT_FALSE(board.calibrated);
  FitOptions options;
  options.hold_out = {board.processors[0].opps[1].khz};
  Measurements measurements =
      made(board.processors[0], {0.2, 0.4, 0.1, board.processors[0].power.leak_per_c, 0}, {0, 1, 4, 8});
  for (PowerRow& row : measurements.power) row.watts += 1.75;
  options.whole_board = true;
  const PowerFit fit = fit_power(board.processors[0], measurements, options);
  store_power(fit, "2026-11-28T12:00:00Z", "rows.csv", options, 0, &board);
  const Board again = parse_board(print_board(board), "again");
  EXPECT_TRUE(again.calibrated);
  EXPECT_NEAR(again.processors[0].power.clock_w_per_ghz_v2, 0.2, 1e-5);
  EXPECT_NEAR(again.rest_w, 1.75, 1e-4);
  EXPECT_EQ(again.processors[0].power_source.confidence, "high");
  EXPECT_TELLS(again.processors[0].power_source.text, "2026-11-28T12:00:00Z, rows.csv: 0.0 % off on average");
  EXPECT_TELLS(again.processors[0].power_source.text, "on held-out frequencies 0.0 % off");
  EXPECT_TELLS(again.processors[0].power_source.text, "streams 0.800, dense 1.200");
}

TEST(BoardFit, AGpuHasAConstantTermInsteadOfLeakage) {
  const Board board = xu3();
  const Processor& gpu = board.processors[board.find("gpu")];
  const PowerFit fit = fit_power(gpu, made(gpu, {0.5, 2.4, 0, 0, 0.101}, {0, 2, 4, 6}));
  EXPECT_NEAR(fit.model.idle_w, 0.101, 1e-9);
  EXPECT_NEAR(fit.model.clock_w_per_ghz_v2, 0.5, 1e-9);
  EXPECT_EQ(fit.model.leak_w_per_v4, 0);
}

TEST(BoardFit, SaysWhatToMeasureInAddition) {
  const Board board = xu3();
  const Processor& a15 = board.processors[board.find("A15")];
  Measurements all = made(a15, a15.power, {0, 8, 16});
  EXPECT_EQ(refusal(a15, all), "");
  EXPECT_TELLS(refusal(a15, made(a15, a15.power, {8})), "1 frequencies to fit; measure at 3 at least");
  EXPECT_TELLS(refusal(a15, made(a15, a15.power, {14, 15, 16})), "too narrow");
  EXPECT_TELLS(refusal(a15, all, {{600'000}, false}), "600000 kHz is to be held out, but has no rows");
  EXPECT_TELLS(refusal(a15, all, {{200'000}, false}), "2 frequencies to fit");
  EXPECT_TELLS(refusal(board.processors[board.find("A7")], all), "no rows; the file has rows of: A15");
  Measurements part = all;
  std::erase_if(part.power, [](const PowerRow& row) { return row.idle(); });
  EXPECT_TELLS(refusal(a15, part), "idle rows at 0 frequencies; measure with no busy core");
  part = all;
  std::erase_if(part.power, [](const PowerRow& row) { return !row.idle(); });
  EXPECT_TELLS(refusal(a15, part), "no rows with busy cores");
  part = all;
  std::erase_if(part.power, [](const PowerRow& row) { return row.load_class == "dense" && row.khz > 300'000; });
  EXPECT_TELLS(refusal(a15, part), "class 'dense' at 1 frequencies");
  part = all;
  for (PowerRow& row : part.power) row.watts = 1 + 1e-6 * static_cast<double>(row.khz);
  EXPECT_TELLS(refusal(a15, part), "busy cores take no more power than idle ones");
  part = all;
  part.power[4].busy = 5;
  EXPECT_TELLS(refusal(a15, part), "made: row 5, column busy: 5; legal: 0 to 4");
  part = all;
  part.power[4].khz = 250'000;
  EXPECT_TELLS(refusal(a15, part), "made: row 5: 250000 kHz is no operating point of 'A15'");
  part = all;
  part.power[4].celsius.reset();
  EXPECT_TELLS(refusal(a15, part), "made: row 5, column celsius: some rows of 'A15' have it, others not");
}

// Measured, not made. Fitted on 200, 600, 1000, 1400 and 1800 MHz; at the volts of the board's points, as it is used.
// Two classes are no single class: the watts of a core that streams from memory fall with the number of streams, those
// of an OpenMP thread depend on how many processes it competes with. Both are 15 % off at one end, whatever the fit.
TEST(BoardFit, TheA15OfTheOdroidXu3) {
  LIMBER_NEED(std::string, text, measured_xu3());
  const Board board = xu3();
  const Processor& a15 = board.processors[board.find("A15")];
  Measurements measurements;
  measurements.where = "powmon";
  const Json json = parse_json(text, "rows");
  for (const Json& row : json.at("rows")) {
    PowerRow one;
    one.place = fmt::format("powmon: row {}", measurements.power.size() + 1);
    one.processor = "A15";
    one.khz = row.at("a15_freq_khz").get<int64_t>();
    one.busy = row.at("a15_util_sum").get<double>();
    one.load_class = row.at("workload").get<std::string>();
    one.watts = 1e-3 * row.at("a15_power_mw").get<double>();
    one.celsius = row.at("a15_temp_c").get<double>();
    measurements.power.push_back(one);
  }
  ASSERT_EQ(measurements.power.size(), 360u);
  FitOptions options;
  options.hold_out = {400'000, 800'000, 1'200'000, 1'600'000};
  const PowerFit fit = fit_power(a15, measurements, options);
  EXPECT_LE(fit.all.mean, 0.05);
  EXPECT_LE(fit.fitted.worst, 0.15);
  EXPECT_EQ(fit.held_out.rows, 160);
  EXPECT_LE(fit.held_out.mean, 0.05);
  EXPECT_LE(fit.held_out.worst, 0.155) << "one row of 160 is beyond 15 %";
  EXPECT_TRUE(fit.outliers.empty());
  EXPECT_NEAR(fit.model.clock_w_per_ghz_v2, a15.power.clock_w_per_ghz_v2, 0.2 * a15.power.clock_w_per_ghz_v2);
  EXPECT_NEAR(fit.model.leak_w_per_v4, a15.power.leak_w_per_v4, 0.2 * a15.power.leak_w_per_v4);
  const auto print = [](const char* name, const FitErrors& errors) {
    fmt::print("{:>12}: {} rows, {:.2f} % off on average, {:.2f} % at worst\n", name, errors.rows, 100 * errors.mean,
               100 * errors.worst);
  };
  fmt::print("A15: clock {:.4f}, core {:.4f}, leak {:.4f}, leak_per_c {:.4f} ({}), {} outliers\n",
             fit.model.clock_w_per_ghz_v2, fit.model.core_w_per_ghz_v2, fit.model.leak_w_per_v4, fit.model.leak_per_c,
             fit.leak_per_c_fitted ? "fitted" : "assumed", fit.outliers.size());
  print("all", fit.all);
  print("fitted", fit.fitted);
  print("held out", fit.held_out);
  for (const auto& one : fit.frequencies)
    print(fmt::format("{}{}", one.khz, one.held_out ? " *" : "").c_str(), one.errors);
  for (const auto& one : fit.classes) fmt::print("{:>20} {:.3f}\n", one.name, one.core_w_per_ghz_v2);
}

}  // namespace
}  // namespace limber
