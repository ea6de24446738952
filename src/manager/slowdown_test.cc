// SPDX-License-Identifier: Apache-2.0
#include "manager/slowdown.h"

#include <gtest/gtest.h>

namespace limber {
namespace {

TEST(Slowdown, BelievesALoadAfterOneFrame) {
  Slowdown slowdown;
  for (int i = 0; i < 50; ++i) slowdown.observe(10.0 + 0.1 * (i % 3), 10.0);
  EXPECT_NEAR(slowdown.mean(), 1.01, 0.02);
  slowdown.observe(40, 10);
  EXPECT_GT(slowdown.mean(), 3.5);
  for (int i = 0; i < 3; ++i) slowdown.observe(10, 10);
  EXPECT_LT(slowdown.mean(), 1.3);
}

TEST(Slowdown, ProbabilityFallsWithTheWork) {
  Slowdown slowdown;
  for (int i = 0; i < 50; ++i) slowdown.observe(i % 2 == 0 ? 38 : 42, 10);
  EXPECT_GT(slowdown.probability_within(3, 33), 0.99);
  EXPECT_LT(slowdown.probability_within(11, 33), 0.01);
  EXPECT_GT(slowdown.probability_within(8, 33), slowdown.probability_within(9, 33));
}

TEST(Slowdown, IgnoresWhatIsNoTime) {
  Slowdown slowdown;
  slowdown.observe(0, 10);
  slowdown.observe(10, 0);
  slowdown.observe(-1, 10);
  EXPECT_EQ(slowdown.mean(), 1);
}

}  // namespace
}  // namespace limber
