// SPDX-License-Identifier: Apache-2.0
#include "manager/work_estimate.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

namespace limber {
namespace {

void observe(WorkEstimate* estimate, std::size_t option, double ratio, int frames) {
  for (int i = 0; i < frames; ++i) estimate->observe(option, ratio);
}

TEST(WorkEstimate, AtFirstTheTableHolds) {
  const WorkEstimate estimate(2);
  EXPECT_EQ(estimate.factor(0), 1);
  EXPECT_EQ(estimate.slowdown(), 1);
  EXPECT_GE(estimate.deviation(0), 0.08) << "nobody has tried it";
}

TEST(WorkEstimate, LearnsOneOptionsOwnError) {
  WorkEstimate estimate(2);
  observe(&estimate, 0, 1.3, 20);
  EXPECT_NEAR(estimate.factor(0), 1.3, 0.01);
  EXPECT_NEAR(estimate.factor(1), 1, 0.01) << "the error of a table's row is no slowdown";
  // Alternating frames keep both apart.
  for (int i = 0; i < 50; ++i) {
    estimate.observe(0, 1.3);
    estimate.observe(1, 0.8);
  }
  EXPECT_NEAR(estimate.factor(0), 1.3, 0.03);
  EXPECT_NEAR(estimate.factor(1), 0.8, 0.03);
}

TEST(WorkEstimate, FollowsAStepAtOnceAndForAllOptions) {
  WorkEstimate estimate(2);
  observe(&estimate, 0, 1, 20);
  observe(&estimate, 1, 1, 20);
  estimate.observe(0, 2);
  EXPECT_GT(estimate.factor(0), 1.6);
  EXPECT_GT(estimate.factor(1), 1.6) << "what slows the machine slows the other option, too";
  estimate.observe(0, 2);
  EXPECT_NEAR(estimate.factor(0), 2, 0.15);
  // And back again.
  observe(&estimate, 0, 1, 3);
  EXPECT_NEAR(estimate.factor(0), 1, 0.15);
}

TEST(WorkEstimate, WhatLastsBecomesTheOptionsOwn) {
  WorkEstimate estimate(2);
  observe(&estimate, 0, 1, 20);
  observe(&estimate, 0, 1.5, 2000);
  EXPECT_NEAR(estimate.factor(0), 1.5, 0.01);
  EXPECT_NEAR(estimate.slowdown(), 1, 0.05);
}

TEST(WorkEstimate, IsCalmUnderNoise) {
  std::mt19937 random(11);
  std::normal_distribution<double> noise(1, 0.05);
  WorkEstimate estimate(1);
  double squares = 0, deviations = 0;
  constexpr int kFrames = 2000, kFirst = 100;
  for (int i = 0; i < kFrames; ++i) {
    estimate.observe(0, noise(random));
    if (i < kFirst) continue;
    squares += std::pow(estimate.factor(0) - 1, 2);
    deviations += estimate.deviation(0);
  }
  // Noise of one frame in twenty is told from a step by three deviations; the estimate moves far less than it.
  EXPECT_LT(std::sqrt(squares / (kFrames - kFirst)), 0.02);
  EXPECT_NEAR(deviations / (kFrames - kFirst), 0.05, 0.01) << "and it knows how much frames differ";
}

TEST(WorkEstimate, OneStrangeFrameIsNoHabit) {
  WorkEstimate estimate(1);
  observe(&estimate, 0, 1, 200);
  const double before = estimate.deviation(0);
  estimate.observe(0, 10);
  observe(&estimate, 0, 1, 10);
  EXPECT_NEAR(estimate.factor(0), 1, 0.1);
  EXPECT_LT(estimate.deviation(0), 4 * before);
}

TEST(WorkEstimate, UnseenOptionsAreLessSure) {
  WorkEstimate estimate(2);
  observe(&estimate, 0, 1, 50);
  EXPECT_LT(estimate.deviation(0), 0.03);
  EXPECT_GE(estimate.deviation(0), 0.01) << "clocks are never better";
  EXPECT_GE(estimate.deviation(1), 0.08);
  estimate.observe(1, 1);
  EXPECT_LT(estimate.deviation(1), 0.08) << "one frame says a lot";
}

TEST(WorkEstimate, IgnoresWhatIsNoTime) {
  WorkEstimate estimate(1);
  observe(&estimate, 0, 1.2, 5);
  const double factor = estimate.factor(0), deviation = estimate.deviation(0);
  for (const double ratio : {0.0, -1.0, std::numeric_limits<double>::quiet_NaN()}) estimate.observe(0, ratio);
  estimate.observe(1, 5);  // there is none
  EXPECT_EQ(estimate.factor(0), factor);
  EXPECT_EQ(estimate.deviation(0), deviation);
}

}  // namespace
}  // namespace limber
