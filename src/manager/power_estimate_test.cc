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

TEST(PowerEstimate, LearnsHowHardTheNetworksWorkTheCores) {
  PowerEstimate estimate(2);
  watch(&estimate, 0, 0.5, 1, 0.5 + 1.4, 100);
  EXPECT_NEAR(estimate.busy_scale(), 1.4, 0.01);
  EXPECT_EQ(estimate.idle_scale(0), 1) << "idle power shows only when idle";
}

TEST(PowerEstimate, LearnsIdlePowerOfTheProcessorAndThenCountsOnIt) {
  PowerEstimate estimate(2);
  watch(&estimate, 1, 0.5, 0, 0.7, 100);
  EXPECT_NEAR(estimate.idle_scale(1), 1.4, 0.01);
  EXPECT_EQ(estimate.idle_scale(0), 1);
  EXPECT_EQ(estimate.busy_scale(), 1);
  watch(&estimate, 1, 0.5, 1, 0.7 + 0.8, 150);
  EXPECT_NEAR(estimate.busy_scale(), 0.8, 0.02);
}

TEST(PowerEstimate, TwoProcessorsLearnOneActivity) {
  PowerEstimate estimate(2);
  for (int i = 0; i < 100; ++i) {
    watch(&estimate, 0, 0.1, 0.3, 0.1 + 0.36, 1);
    watch(&estimate, 1, 0.5, 2, 0.5 + 2.4, 1);
  }
  EXPECT_NEAR(estimate.busy_scale(), 1.2, 0.01);
}

TEST(PowerEstimate, AMeterThatLagsIsFineOnAverage) {
  PowerEstimate estimate(1);
  double shown = 0.5;
  std::vector<double> scales;
  for (int i = 0; i < 400; ++i) {
    const double busy = i / 4 % 2 == 0 ? 2 : 0;  // a second on, a second off
    watch(&estimate, 0, 0.5, busy, shown, 1);
    shown = 0.5 + 1.3 * busy;  // of the window before
    if (i >= 300) scales.push_back(estimate.busy_scale());
  }
  double mean = 0;
  for (const double scale : scales) mean += scale / static_cast<double>(scales.size());
  EXPECT_NEAR(mean, 1.3, 0.1);
}

TEST(PowerEstimate, AFewWindowsProveNothingNorDoOthersWork) {
  PowerEstimate estimate(1);
  watch(&estimate, 0, 0.5, 1, 3, 9);
  EXPECT_EQ(estimate.busy_scale(), 1);
  watch(&estimate, 0, 0.5, 1, -1, 1);  // somebody else worked there: begin again
  watch(&estimate, 0, 0.5, 1, 3, 9);
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
