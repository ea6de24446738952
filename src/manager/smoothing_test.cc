// SPDX-License-Identifier: Apache-2.0
#include "manager/smoothing.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <random>

namespace limber {
namespace {

const std::vector<int64_t> kKhz = {200000, 400000, 600000, 800000, 1000000, 1200000, 1400000, 1600000};

std::vector<double> values(const std::function<double(double ghz)>& of) {
  std::vector<double> result;
  for (const int64_t khz : kKhz) result.push_back(of(1e-6 * static_cast<double>(khz)));
  return result;
}

double a_and_b(double ghz) {
  return 3 + 8 / ghz;
}

double cubic(double ghz) {
  return 0.1 + 0.2 * ghz + 0.05 * ghz * ghz + 0.3 * ghz * ghz * ghz;
}

using Smooth = std::vector<double> (*)(const std::vector<int64_t>&, const std::vector<double>&);

// Root mean square of relative errors after smoothing, against that of the noise itself, over many measurements.
double share_of_noise_left(Smooth smooth, const std::vector<double>& truth) {
  std::mt19937 random(7);
  std::normal_distribution<double> noise(0, 0.04);
  double before = 0, after = 0;
  for (int trial = 0; trial < 200; ++trial) {
    std::vector<double> noisy = truth;
    for (double& value : noisy) value *= 1 + noise(random);
    const std::vector<double> smoothed = smooth(kKhz, noisy);
    for (std::size_t i = 0; i < truth.size(); ++i) {
      before += std::pow(noisy[i] / truth[i] - 1, 2);
      after += std::pow(smoothed[i] / truth[i] - 1, 2);
    }
  }
  return std::sqrt(after / before);
}

void expect_near(const std::vector<double>& found, const std::vector<double>& wanted) {
  ASSERT_EQ(found.size(), wanted.size());
  for (std::size_t i = 0; i < found.size(); ++i) EXPECT_NEAR(found[i], wanted[i], 1e-9 * wanted[i]) << i;
}

TEST(Smoothing, WhatIsSmoothComesBack) {
  expect_near(smooth_times(kKhz, values(a_and_b)), values(a_and_b));
  expect_near(smooth_times(kKhz, values([](double ghz) { return 8 / ghz; })),
              values([](double ghz) { return 8 / ghz; }));
  expect_near(smooth_times(kKhz, values([](double) { return 5.0; })), values([](double) { return 5.0; }));
  expect_near(smooth_watts(kKhz, values(cubic)), values(cubic));
}

TEST(Smoothing, NoiseAveragesOut) {
  // n parameters fitted to 8 points leave sqrt(n / 8) of independent noise.
  EXPECT_NEAR(share_of_noise_left(smooth_times, values(a_and_b)), std::sqrt(2.0 / 8), 0.05);
  EXPECT_NEAR(share_of_noise_left(smooth_watts, values(cubic)), std::sqrt(4.0 / 8), 0.05);
}

TEST(Smoothing, NoPartIsNegative) {
  // Steeper than 1 / f: a would be below 0. The best line without it is b / f.
  const std::vector<double> steep = smooth_times(kKhz, values([](double ghz) { return 8 / (ghz * ghz); }));
  for (std::size_t i = 0; i < kKhz.size(); ++i) {
    EXPECT_GT(steep[i], 0);
    EXPECT_NEAR(steep[i] * static_cast<double>(kKhz[i]), steep[0] * static_cast<double>(kKhz[0]), 1e-6);
  }
  // Slower at higher frequencies: b would be below 0, and all points are one.
  const std::vector<double> rising = smooth_times(kKhz, values([](double ghz) { return 5 + ghz; }));
  for (const double ms : rising) EXPECT_NEAR(ms, rising[0], 1e-9);
  EXPECT_GT(rising[0], 5.2);
  EXPECT_LT(rising[0], 6.6);
}

TEST(Smoothing, WhatIsTooLittleOrNoNumberIsLeftAsItIs) {
  const std::vector<int64_t> three = {200000, 400000, 600000}, five = {200000, 400000, 600000, 800000, 1000000};
  const std::vector<double> ms = {50, 20, 19}, w = {1, 0.9, 3, 3.5, 9};
  EXPECT_EQ(smooth_times(three, ms), ms);
  EXPECT_EQ(smooth_watts(five, w), w);
  EXPECT_EQ(smooth_times({0}, {7}), std::vector<double>{7}) << "a clock that is not ours to choose";
  EXPECT_EQ(smooth_times(kKhz, ms), ms) << "sizes that differ";
  std::vector<double> unknown = values(cubic);
  unknown[3] = 0;
  EXPECT_EQ(smooth_watts(kKhz, unknown), unknown);
  EXPECT_EQ(smooth_times(kKhz, unknown), unknown);
}

TEST(Smoothing, WattsStayAboveNothing) {
  // The best cubic of this nonsense is -0.11 W somewhere; what was measured is better then.
  const std::vector<double> watts = {2, 0.01, 1, 0.1, 0.05, 1, 2, 0.02};
  EXPECT_EQ(smooth_watts(kKhz, watts), watts);
}

}  // namespace
}  // namespace limber
