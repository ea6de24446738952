// SPDX-License-Identifier: Apache-2.0
#include "platform/simulated/simulated_board.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"

namespace limber {
namespace {

// One A15 core as in the golden table: 200 to 2000 MHz, the clock changes at once.
Board one_core() {
  Board board;
  board.name = "one-core";
  Processor processor;
  processor.name = "A15";
  processor.cpus = {0};
  for (int64_t khz = 200'000; khz <= 2'000'000; khz += 100'000) processor.opps.push_back({khz, 1.0});
  processor.power.core_w_per_ghz_v2 = 1;
  processor.default_governor = "schedutil";
  board.processors.push_back(processor);
  board.memory_mb_per_s = 1000;
  return board;
}

ThreadSettings app(double clamp_min = 0, double clamp_max = 1024, double util = 0) {
  ThreadSettings settings;
  settings.name = "app";
  settings.clamp_min = clamp_min;
  settings.clamp_max = clamp_max;
  settings.util = util;
  return settings;
}

struct Frames {
  std::vector<double> latencies;
  double mean_mhz = 0;  // of all time after the first second
};

// 20 ms of work at the highest frequency every `period` ms; frames wait for each other.
Frames play(const SimulationSettings& settings, ThreadSettings thread, double period, int count) {
  SimulatedBoard board(one_core(), settings);
  const int worker = board.add_thread(thread);
  Frames result;
  std::vector<double> arrivals;
  std::size_t next = 0;
  std::function<void()> begin = [&] {
    board.start(worker, {20, 0}, [&] {
      result.latencies.push_back(board.now_ms() - arrivals[next++]);
      if (next < arrivals.size()) begin();
    });
  };
  for (int i = 0; i < count; ++i) {
    board.at(i * period, [&, i, period] {
      arrivals.push_back(i * period);
      if (arrivals.size() == next + 1) begin();
    });
  }
  double sum = 0;
  int samples = 0;
  for (double ms = 0; ms < count * period + 500; ms += 1) {
    board.run_until(ms);
    if (ms >= 1000 && ms < count * period) {
      sum += static_cast<double>(board.board().processors[0].opps[board.opp(0)].khz) * 1e-3;
      ++samples;
    }
  }
  result.mean_mhz = samples > 0 ? sum / samples : 0;
  return result;
}

SimulationSettings immediate() {
  SimulationSettings settings;
  settings.governor.rate_limit_ms = 0;
  return settings;
}

constexpr double kPeriod = 1000.0 / 30;
constexpr double kTick = 1.0;

void expect_first(const Frames& frames, const std::vector<double>& expected) {
  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(frames.latencies.at(i), expected[i], kTick) << i;
}

// The table of boards/README.md: schedutil on 30 frames a second of 20 ms each. Within a tick.
TEST(Schedutil, ColdTaskMissesSixFrames) {
  const Frames frames = play(immediate(), app(), kPeriod, 60);
  expect_first(frames, {101, 101, 92, 79, 66, 52});
  EXPECT_NEAR(frames.latencies.back(), 22.3, kTick);
}
TEST(Schedutil, ForkedTaskBeginsWithHalf) {
  const Frames frames = play(immediate(), app(0, 1024, 512), kPeriod, 60);
  expect_first(frames, {26.7, 23.8, 23.6});
  EXPECT_NEAR(frames.latencies.back(), 22.3, kTick);
}
TEST(Schedutil, WithoutUtilEst) {
  SimulationSettings settings = immediate();
  settings.governor.util_est = false;
  const Frames frames = play(settings, app(), kPeriod, 60);
  expect_first(frames, {101, 101, 92});
  EXPECT_NEAR(frames.latencies.back(), 26.0, kTick);
}
TEST(Schedutil, ClampsAfterTheMargin) {
  expect_first(play(immediate(), app(512), kPeriod, 60), {40, 41, 31});
  const Frames frames = play(immediate(), app(800), kPeriod, 60);
  expect_first(frames, {25.1, 25.1});
  EXPECT_NEAR(frames.latencies.back(), 22.3, kTick);
}
TEST(Schedutil, ClampsAheadOfTheMarginBeforeLinux68) {
  SimulationSettings settings = immediate();
  settings.governor.clamp_last = false;
  const Frames frames = play(settings, app(800), kPeriod, 60);
  expect_first(frames, {20.1, 20.1});
  EXPECT_NEAR(frames.latencies.back(), 20.2, kTick);
}
TEST(Schedutil, ShortHalfLifeIsQuicker) {
  SimulationSettings settings = immediate();
  settings.half_life_ms = 8;
  const Frames frames = play(settings, app(), kPeriod, 60);
  expect_first(frames, {45, 32, 20});
  EXPECT_NEAR(frames.latencies.back(), 20.1, kTick);
}
TEST(Schedutil, RateLimitDelaysIt) {
  SimulationSettings settings = immediate();
  settings.governor.rate_limit_ms = 10;
  const Frames frames = play(settings, app(), kPeriod, 60);
  expect_first(frames, {102, 104, 96, 84});
  EXPECT_GE(frames.latencies.back(), 22 - kTick);
  EXPECT_LE(frames.latencies.back(), 25 + kTick);
}
TEST(Schedutil, AMaximumClampThatIsTooLowPilesUpWork) {
  const Frames frames = play(immediate(), app(0, 512), kPeriod, 60);
  EXPECT_GT(frames.latencies.back(), frames.latencies.front() + 200);
}
TEST(Schedutil, RareWorkNeverWarmsUp) {
  const Frames frames = play(immediate(), app(), 500, 6);
  expect_first(frames, {101, 44.6, 44.6, 44.6});
}

TEST(SimulatedBoard, PerformanceIsTheWorkItself) {
  SimulatedBoard board(one_core());
  board.set_governor(0, "performance");
  const int worker = board.add_thread(app());
  double end = 0;
  board.start(worker, {20, 0}, [&] { end = board.now_ms(); });
  board.run_until(100);
  EXPECT_NEAR(end, 20, 1e-6);
  EXPECT_NEAR(board.busy_ms(0), 20, 1e-6);
  EXPECT_NEAR(board.energy_mj(0), 2.0 * 1 * 20, 1e-6);  // 1 W/GHz at 2 GHz and 1 V, for 20 ms
}

TEST(SimulatedBoard, ThreadsShareACoreByWeight) {
  SimulatedBoard board(one_core());
  board.set_governor(0, "performance");
  ThreadSettings nice_one = app();
  nice_one.nice = 5;
  const int a = board.add_thread(app()), b = board.add_thread(nice_one);
  double a_end = 0;
  board.start(a, {30, 0}, [&] { a_end = board.now_ms(); });
  board.start(b, {INFINITY, 0}, nullptr);
  board.run_until(1000);
  EXPECT_NEAR(a_end, 30 * (1 + std::pow(1.25, -5)), 1e-6);
  EXPECT_TRUE(board.working(b));
}

TEST(SimulatedBoard, MemoryTimeDoesNotShrinkWithTheClock) {
  SimulatedBoard board(one_core());
  board.set_governor(0, "userspace");
  board.set_frequency(0, 1'000'000);
  const int worker = board.add_thread(app());
  double end = 0;
  board.start(worker, {10, 5}, [&] { end = board.now_ms(); });
  board.run_until(100);
  EXPECT_NEAR(end, 2 * 10 + 5, 1e-6);
}

TEST(SimulatedBoard, ANewFrequencyTakesItsTime) {
  Board slow = one_core();
  slow.processors[0].actuation_us = 2000;
  slow.processors[0].stall_us = 100;
  SimulatedBoard board(slow);
  board.set_governor(0, "userspace");
  board.set_frequency(0, 1'000'000);
  board.run_until(10);
  const int worker = board.add_thread(app());
  double end = 0;
  board.start(worker, {10, 0}, [&] { end = board.now_ms(); });
  board.set_frequency(0, 2'000'000);
  board.run_until(100);
  EXPECT_NEAR(end - 10, 2 + 0.1 + 9, 1e-6);  // 1 ms of the work is done at half speed, then a stall
}

TEST(SimulatedBoard, TheSameCallsGiveTheSameNumbers) {
  const Frames a = play(immediate(), app(), 17, 50), b = play(immediate(), app(), 17, 50);
  EXPECT_EQ(a.latencies, b.latencies);
}

TEST(SimulatedBoard, AWorkingThreadTakesNoSecondJob) {
  SimulatedBoard board(one_core());
  const int worker = board.add_thread(app());
  board.start(worker, {20, 0}, nullptr);
  EXPECT_THROW(board.start(worker, {20, 0}, nullptr), Error);
  board.stop(worker);
  EXPECT_NO_THROW(board.start(worker, {20, 0}, nullptr));
  ThreadSettings lost = app();
  lost.cpus = {7};
  EXPECT_THROW(board.add_thread(lost), Error);
}

// A job that begins when the one before ends, elsewhere: the thread goes there, however little time lay between.
TEST(SimulatedBoard, NextJobRunsWhereItMay) {
  Board two = one_core();
  two.processors[0].cpus = {0, 1};
  SimulatedBoard board(two);
  const int worker = board.add_thread(app());
  board.set_cpus(worker, {0});
  int second_on = -1;
  board.start(worker, {1, 0}, [&] {
    board.set_cpus(worker, {1});
    board.start(worker, {1, 0}, [&] { second_on = board.cpu_of(worker); });
  });
  board.run_until(1000);
  EXPECT_EQ(second_on, 1);
}

}  // namespace
}  // namespace limber
