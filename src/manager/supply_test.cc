// SPDX-License-Identifier: Apache-2.0
#include "manager/supply.h"

#include <gtest/gtest.h>

namespace limber {
namespace {

TEST(Supply, AloneEverythingIsSure) {
  Supply supply;
  EXPECT_EQ(supply.slowdown(), 1);
  EXPECT_DOUBLE_EQ(supply.sure_work(0, 0, 33), 33);
  for (int i = 0; i < 10; ++i) supply.observe(11, 11);
  EXPECT_DOUBLE_EQ(supply.slowdown(), 1);
  EXPECT_DOUBLE_EQ(supply.sure_work(10, 10, 23), 23);
}

TEST(Supply, OthersTurnsCost) {
  Supply supply;
  for (int i = 0; i < 20; ++i) supply.observe(20, 5);
  supply.watch(12, 1);
  EXPECT_NEAR(supply.slowdown(), 4, 1e-9);
  EXPECT_DOUBLE_EQ(supply.delay_ms(), 12);
  EXPECT_NEAR(supply.sure_work(0, 0, 32), 5, 1e-9);
  // On time inside the frame: what was promised at its start still holds, although a turn might begin now.
  EXPECT_NEAR(supply.sure_work(16, 2, 16), 3, 1e-9);
  EXPECT_NEAR(supply.sure_work(16, 5, 16), 1, 1e-9);  // all of the promise is done; from now on there is a little more
  EXPECT_EQ(supply.sure_work(22, 0, 10), 0);          // a turn that begins now outlasts the deadline
}

TEST(Supply, AShortLuckyFrameProvesLittle) {
  Supply by_short, by_long;
  for (Supply* supply : {&by_short, &by_long}) {
    for (int i = 0; i < 20; ++i) supply->observe(20, 5);
    supply->watch(12, 5);
  }
  by_short.observe(3, 3);
  by_short.watch(0, 3);
  by_long.observe(30, 30);
  by_long.watch(0, 30);
  EXPECT_GT(by_short.slowdown(), 3.3);
  EXPECT_LT(by_long.slowdown(), 2.2);
  EXPECT_GT(by_short.delay_ms(), 11);
  EXPECT_LT(by_long.delay_ms(), 9);
}

TEST(Supply, NonsenseIsIgnored) {
  Supply supply;
  supply.observe(0, 10);
  supply.observe(10, 0);
  supply.observe(-1, 1);
  supply.watch(-5, 1);
  EXPECT_EQ(supply.slowdown(), 1);
  EXPECT_EQ(supply.delay_ms(), 0);
  EXPECT_EQ(supply.sure_work(0, 0, -1), 0);
}

}  // namespace
}  // namespace limber
