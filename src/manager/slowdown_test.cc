// SPDX-License-Identifier: Apache-2.0
#include "manager/slowdown.h"

#include <gtest/gtest.h>

namespace limber {
namespace {

TEST(Slowdown, ReactsToAStepWithinOneFrame) {
  Slowdown slowdown;
  for (int i = 0; i < 50; ++i) slowdown.observe(10, 10);
  EXPECT_NEAR(slowdown.mean(), 1, 0.01);
  EXPECT_GT(slowdown.probability(11, 33), 0.999);
  slowdown.observe(40, 10);
  EXPECT_GT(slowdown.mean(), 3.5);
  EXPECT_LT(slowdown.probability(11, 33), 0.5);
}

TEST(Slowdown, IsSurerOnACalmMachine) {
  Slowdown calm, bursty;
  for (int i = 0; i < 40; ++i) {
    calm.observe(20, 10);
    bursty.observe(i % 2 ? 30 : 10, 10);
  }
  EXPECT_LT(calm.variance(), bursty.variance());
  EXPECT_GT(calm.probability(10, 25), bursty.probability(10, 25));
}

TEST(Slowdown, NonsenseIsIgnored) {
  Slowdown slowdown;
  slowdown.observe(0, 10);
  slowdown.observe(10, 0);
  slowdown.observe(-1, 1);
  EXPECT_EQ(slowdown.mean(), 1);
}

TEST(Slowdown, NoWorkIsDoneAtOnce) {
  EXPECT_EQ(Slowdown().probability(0, 1), 1);
  EXPECT_EQ(Slowdown().probability(0, -1), 0);
}

}  // namespace
}  // namespace limber
