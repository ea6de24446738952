// SPDX-License-Identifier: Apache-2.0
#include "platform/clock.h"

#include <gtest/gtest.h>

namespace limber {
namespace {

TEST(Clock, SleepsUntilTheMomentAndNotBefore) {
  const int64_t moment = now_ns() + 3'000'000;
  sleep_until_ns(moment);
  EXPECT_GE(now_ns(), moment);
}

TEST(Clock, ReturnsFromThePast) {
  sleep_until_ns(now_ns() - 1);
  sleep_until_ns(0);
}

TEST(Clock, SleepingCostsNoCpuTime) {
  const int64_t cpu = thread_cpu_ns();
  sleep_until_ns(now_ns() + 20'000'000);
  EXPECT_LT(thread_cpu_ns() - cpu, 10'000'000);
}

TEST(Clock, WaitingIsNoPreemption) {
  const int64_t before = preemptions();
  for (int i = 0; i < 50; ++i) sleep_until_ns(now_ns() + 10'000);
  EXPECT_GE(preemptions(), before);
  EXPECT_LT(preemptions(), before + 50);
}

}  // namespace
}  // namespace limber
