// SPDX-License-Identifier: Apache-2.0
#include "manager/power_estimate.h"

#include <gtest/gtest.h>

#include <vector>

namespace limber {
namespace {

constexpr double kWindowS = 0.25;

// So many windows in which the tables say `idle_w` and `busy_w`, and a meter shows `sensed_w`.
void watch(PowerEstimate* estimate, std::size_t processor, double idle_w, double busy_w, double sensed_w, int windows) {
  for (int i = 0; i < windows; ++i) {
    estimate->predict_idle(processor, kWindowS, idle_w);
    if (busy_w > 0) estimate->predict_busy(processor, kWindowS, busy_w);
    estimate->sense(processor, sensed_w);
  }
}

TEST(PowerEstimate, WithoutAMeterTheTablesHold) {
  PowerEstimate estimate(2);
  watch(&estimate, 0, 0.5, 1, -1, 100);
  EXPECT_EQ(estimate.busy_scale(), 1);
  EXPECT_EQ(estimate.idle_scale(0), 1);
  estimate.sense(1, 3);  // nothing was said of any time
  EXPECT_EQ(estimate.idle_scale(1), 1);
}

// Fifteen seconds each, much longer than what means are over, with nothing to do, half of it and all, where a meter
// shows so many times what the tables say.
void cycle(PowerEstimate* estimate, std::size_t processor, double idle_w, double busy_w, double idle_factor,
           double busy_factor, int rounds) {
  for (int i = 0; i < rounds; ++i) {
    for (const double share : {0.0, 0.5, 1.0})
      watch(estimate, processor, idle_w, share * busy_w, idle_factor * idle_w + busy_factor * share * busy_w, 60);
  }
}

TEST(PowerEstimate, LearnsHowHardTheNetworksWorkTheCores) {
  PowerEstimate estimate(2);
  cycle(&estimate, 0, 0.5, 1, 1, 1.4, 20);
  EXPECT_NEAR(estimate.busy_scale(), 1.4, 0.02);
  EXPECT_NEAR(estimate.idle_scale(0), 1, 0.02);
}

TEST(PowerEstimate, TellsIdlePowerFromBusyPower) {
  PowerEstimate estimate(2);
  cycle(&estimate, 1, 0.5, 1, 1.4, 0.8, 20);
  // The prior draws both a little towards 1.
  EXPECT_NEAR(estimate.idle_scale(1), 1.4, 0.03);
  EXPECT_NEAR(estimate.busy_scale(), 0.8, 0.03);
  EXPECT_EQ(estimate.idle_scale(0), 1) << "nothing was seen of it";
}

TEST(PowerEstimate, WithNothingToDoOnlyIdlePowerShows) {
  PowerEstimate estimate(1);
  watch(&estimate, 0, 0.5, 0, 0.7, 100);
  EXPECT_NEAR(estimate.idle_scale(0), 1.4, 0.01);
  EXPECT_EQ(estimate.busy_scale(), 1);
}

TEST(PowerEstimate, WhereBothCannotBeToldApartTheirSumFits) {
  PowerEstimate estimate(1);
  watch(&estimate, 0, 0.5, 1, 1.9, 200);
  EXPECT_NEAR(0.5 * estimate.idle_scale(0) + estimate.busy_scale(), 1.9, 0.02);
  EXPECT_GT(estimate.busy_scale(), 1.2) << "the activity is less known than the idle power";
}

TEST(PowerEstimate, TwoProcessorsLearnOneActivity) {
  PowerEstimate estimate(3);
  for (int i = 0; i < 20; ++i) {
    cycle(&estimate, 0, 0.1, 0.3, 0.8, 1.2, 1);
    cycle(&estimate, 1, 0.5, 2, 1.3, 1.2, 1);
  }
  EXPECT_NEAR(estimate.busy_scale(), 1.2, 0.02);
  EXPECT_NEAR(estimate.idle_scale(0), 0.8, 0.02);
  EXPECT_NEAR(estimate.idle_scale(1), 1.3, 0.02);
  EXPECT_EQ(estimate.idle_scale(2), 1);
}

TEST(PowerEstimate, FollowsLeakageAsTheChipWarmsUp) {
  PowerEstimate estimate(1);
  cycle(&estimate, 0, 0.5, 1, 1, 1.2, 40);
  cycle(&estimate, 0, 0.5, 1, 1.6, 1.2, 40);
  EXPECT_NEAR(estimate.idle_scale(0), 1.6, 0.05);
  EXPECT_NEAR(estimate.busy_scale(), 1.2, 0.05);
}

TEST(PowerEstimate, AMeterThatLagsIsFineWhereLoadsLast) {
  PowerEstimate estimate(1);
  double shown = 0.5;
  std::vector<double> scales;
  for (int i = 0; i < 1600; ++i) {
    const double busy = i / 40 % 2 == 0 ? 2 : 0;  // ten seconds on, ten seconds off
    watch(&estimate, 0, 0.5, busy, shown, 1);
    shown = 0.5 + 1.3 * busy;  // of the window before
    if (i >= 800) scales.push_back(estimate.busy_scale());
  }
  double mean = 0;
  for (const double scale : scales) mean += scale / static_cast<double>(scales.size());
  EXPECT_NEAR(mean, 1.3, 0.1);
}

TEST(PowerEstimate, AFewWindowsProveNothingNorDoOthersWork) {
  PowerEstimate estimate(1);
  watch(&estimate, 0, 0.5, 1, 3, 19);
  EXPECT_EQ(estimate.busy_scale(), 1);
  watch(&estimate, 0, 0.5, 1, -1, 1);  // somebody else worked there: begin again
  watch(&estimate, 0, 0.5, 1, 3, 19);
  EXPECT_EQ(estimate.busy_scale(), 1);
  watch(&estimate, 0, 0.5, 1, 3, 1);
  EXPECT_GT(estimate.busy_scale(), 1);
}

TEST(PowerEstimate, WhatWasPredictedBeforeABadReadingIsForgotten) {
  PowerEstimate estimate(1);
  estimate.predict_idle(0, 1, 0.5);
  estimate.predict_busy(0, 1, 100);
  estimate.sense(0, -1);
  watch(&estimate, 0, 0.5, 1, 1.5, 50);
  EXPECT_NEAR(estimate.busy_scale(), 1, 1e-9);
}

TEST(PowerEstimate, AMadMeterMovesItOnlySoFar) {
  PowerEstimate estimate(1);
  watch(&estimate, 0, 0.5, 100, 900, 300);
  EXPECT_GT(estimate.busy_scale(), 3.9);
  EXPECT_LE(estimate.busy_scale(), 4);
  watch(&estimate, 0, 0.5, 100, 5, 300);
  EXPECT_GE(estimate.busy_scale(), 0.25);
  EXPECT_LT(estimate.busy_scale(), 0.3);
}

}  // namespace
}  // namespace limber
