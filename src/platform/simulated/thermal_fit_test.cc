// SPDX-License-Identifier: Apache-2.0
#include "platform/simulated/thermal_fit.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"
#include "base/random.h"

namespace limber {
namespace {

// Idle, then busy, then idle again, a row a second; stepped finely, so that it is not the fit's own formula.
Measurements trace(const ThermalModel& model, double idle_s, double busy_s, double start_c, double noise_k = 0) {
  Random random(7);
  Measurements measurements;
  measurements.where = "trace";
  double celsius = start_c;
  for (int second = 0; second <= 2 * idle_s + busy_s; ++second) {
    const double watts = second > idle_s && second <= idle_s + busy_s ? 6 : 0.5;
    constexpr int kSteps = 2000;
    for (int i = 0; i < kSteps && second > 0; ++i)
      celsius += (model.ambient_c + model.k_per_w * watts - celsius) / model.tau_s / kSteps;
    measurements.heat.push_back({fmt::format("trace: line {}", second + 2), static_cast<double>(second), watts,
                                 celsius + noise_k * 2 * (random.uniform() - 0.5)});
  }
  return measurements;
}

std::string refusal(const Measurements& measurements) {
  try {
    fit_thermal(measurements);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    return error.what();
  }
  return "";
}

TEST(ThermalFit, GivesBackTheModelThatMadeTheTrace) {
  for (const double tau_s : {3.0, 12.0, 55.0}) {
    ThermalModel model;
    model.ambient_c = 39.4, model.k_per_w = 6.76, model.tau_s = tau_s;
    const ThermalFit fit = fit_thermal(trace(model, 40, 120, 60));
    EXPECT_NEAR(fit.ambient_c, model.ambient_c, 0.05);
    EXPECT_NEAR(fit.k_per_w, model.k_per_w, 0.01);
    EXPECT_NEAR(fit.tau_s, tau_s, 0.002 * tau_s);
    EXPECT_LT(fit.worst_k, 0.05);
  }
}

TEST(ThermalFit, ASensorOfWholeDegreesWillDo) {
  ThermalModel model;
  model.ambient_c = -5, model.k_per_w = 3, model.tau_s = 20;
  Measurements measurements = trace(model, 60, 120, 5, 1);
  for (HeatRow& row : measurements.heat) row.celsius = std::round(row.celsius);
  const ThermalFit fit = fit_thermal(measurements);
  EXPECT_NEAR(fit.ambient_c, model.ambient_c, 0.7);
  EXPECT_NEAR(fit.k_per_w, model.k_per_w, 0.15);
  EXPECT_NEAR(fit.tau_s, model.tau_s, 2);
  EXPECT_GT(fit.mean_k, 0.1);
  Board board;
  store_thermal(fit, "today", "trace.csv", &board);
  EXPECT_NEAR(board.thermal.tau_s, fit.tau_s, 1e-4);
  EXPECT_NE(board.thermal.source.text.find("limber calibrate board, today, trace.csv: 241 rows over 240 s"),
            std::string::npos);
}

TEST(ThermalFit, SaysWhatToRecord) {
  ThermalModel model;
  model.ambient_c = 30, model.k_per_w = 5, model.tau_s = 10;
  Measurements all = trace(model, 30, 60, 33), part = all;
  EXPECT_EQ(refusal(all), "");
  part.heat.resize(9);
  EXPECT_NE(refusal(part).find("9 rows, 10 are needed"), std::string::npos);
  part = all;
  part.heat.resize(25);
  EXPECT_NE(refusal(part).find("3 K apart at least"), std::string::npos);
  part = all;
  for (HeatRow& row : part.heat) row.watts = 3;
  EXPECT_NE(refusal(part).find("power from 3 to 3 W hardly changes"), std::string::npos);
  model.tau_s = 300;
  EXPECT_NE(refusal(trace(model, 30, 60, 33)).find("less than two time constants"), std::string::npos);
}

}  // namespace
}  // namespace limber
