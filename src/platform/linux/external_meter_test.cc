// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/external_meter.h"

#include <signal.h>
#include <unistd.h>

#include <cerrno>

#include "base/error.h"
#include "base/test_folder.h"
#include "platform/clock.h"

namespace limber {
namespace {

using External = FolderTest;

// Reads until there is a value, for 5 s at most.
PowerReading wait_for_value(ExternalMeter& meter) {
  const int64_t end = now_ns() + 5'000'000'000;
  PowerReading reading;
  while (reading.watts < 0 && now_ns() < end) {
    reading = meter.read(now_ns());
    ::usleep(2000);
  }
  return reading;
}

TEST(ParseWatts, NumbersWithUnitsAndNothingElse) {
  EXPECT_EQ(parse_watts("5.25"), 5.25);
  EXPECT_EQ(parse_watts("5.25 W\r"), 5.25);
  EXPECT_EQ(parse_watts("5250mW"), 5.25);
  EXPECT_NEAR(*parse_watts("5250000 uW"), 5.25, 1e-9);
  EXPECT_EQ(parse_watts("0"), 0);
  for (const char* wrong : {"", "W", "-1", "nan", "inf", "1e9", "5 V", "5W W", "5 W now", "power: 5"})
    EXPECT_FALSE(parse_watts(wrong)) << wrong;
}

TEST_F(External, AFileIsReadEachTime) {
  const std::string file = put("watts", "4.5\n");
  ExternalMeter meter(file);
  EXPECT_EQ(meter.pid(), -1);
  EXPECT_DOUBLE_EQ(meter.read(0).watts, 4.5);
  put("watts", "6500 mW\nrest\n");
  EXPECT_DOUBLE_EQ(meter.read(0).watts, 6.5);
  put("watts", "no idea\n");
  EXPECT_LT(meter.read(0).watts, 0);
  EXPECT_NE(meter.read(0).reason.find("no idea"), std::string::npos);
  std::filesystem::remove(file);
  EXPECT_LT(meter.read(0).watts, 0);
}

TEST_F(External, ACommandIsKeptRunningAndItsLinesAveraged) {
  ExternalMeter meter("printf 'starting up\\n4\\n6\\n'; sleep 100");
  const int pid = meter.pid();
  const PowerReading reading = wait_for_value(meter);
  EXPECT_GE(reading.watts, 4);  // both lines, or the first before the second came
  EXPECT_LE(reading.watts, 6);
  EXPECT_EQ(meter.garbage(), 1);
  EXPECT_EQ(meter.pid(), pid);
  const int64_t now = now_ns();
  EXPECT_GE(meter.read(now).watts, 4) << "the last value, while it is young";
  EXPECT_LT(meter.read(now + 6'000'000'000).watts, 0) << "stale";
}

TEST_F(External, ItsDeathIsSurvivedAndItIsStartedAgain) {
  ExternalMeter meter("echo 3; exit 1");
  EXPECT_DOUBLE_EQ(wait_for_value(meter).watts, 3);
  const int64_t end = now_ns() + 5'000'000'000;
  while (meter.pid() >= 0 && now_ns() < end) {
    meter.read(now_ns());
    ::usleep(2000);
  }
  ASSERT_EQ(meter.pid(), -1);
  EXPECT_EQ(meter.restarts(), 0) << "not at once";
  const int64_t later = now_ns() + 10'000'000'000;
  meter.read(later);
  EXPECT_EQ(meter.restarts(), 1);
}

TEST_F(External, NonsenseWithoutEndFillsNoMemory) {
  ExternalMeter meter("head -c 1000000 /dev/zero; sleep 100");
  const int64_t end = now_ns() + 5'000'000'000;
  while (meter.garbage() == 0 && now_ns() < end) meter.read(now_ns());
  EXPECT_GT(meter.garbage(), 0);
  EXPECT_LT(meter.read(now_ns()).watts, 0);
}

TEST_F(External, TheCommandEndsWithTheMeter) {
  int pid = 0;
  {
    ExternalMeter meter("trap '' TERM; while :; do sleep 0.05; done");  // one that does not listen
    pid = meter.pid();
    ASSERT_EQ(::kill(pid, 0), 0);
  }
  EXPECT_EQ(::kill(pid, 0), -1);
  EXPECT_EQ(errno, ESRCH);
}

TEST_F(External, WhatCanBeNeitherIsRefused) {
  EXPECT_THROW(ExternalMeter(" "), Error);
  EXPECT_THROW(ExternalMeter{folder_}, Error);
  EXPECT_THROW(ExternalMeter(path("missing")), Error);
}

}  // namespace
}  // namespace limber
