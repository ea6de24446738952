// SPDX-License-Identifier: Apache-2.0
#include "base/statistics.h"

#include <gtest/gtest.h>

namespace limber {
namespace {

TEST(Statistics, QuantilesAreMeasuredValues) {
  const std::vector<double> values = {5, 1, 4, 2, 3, 9, 7, 8, 6, 10};
  EXPECT_EQ(quantile(values, 0), 1);
  EXPECT_EQ(quantile(values, 0.95), 10);
  EXPECT_EQ(quantile(values, 0.9), 9);
  EXPECT_EQ(quantile(values, 1), 10);
  EXPECT_EQ(median(values), 5);
  EXPECT_EQ(median({3, 1, 2}), 2);
  EXPECT_EQ(median({7}), 7);
  EXPECT_EQ(median({}), 0);
}

TEST(Statistics, DeviationForgivesOutliers) {
  EXPECT_EQ(median_deviation({10, 11, 12, 13, 1000}), 1);
  EXPECT_EQ(median_deviation({7}), 0);
  EXPECT_EQ(median_deviation({}), 0);
}

}  // namespace
}  // namespace limber
