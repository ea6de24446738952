// SPDX-License-Identifier: Apache-2.0
#include "tool/simulate/player.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tool/simulate/test_scenario.h"

namespace limber::tool {
namespace {

int64_t met_without(const std::vector<PlayedFrame>& frames, std::size_t processor, double from_ms, double to_ms) {
  return std::count_if(frames.begin(), frames.end(), [&](const PlayedFrame& frame) {
    return frame.met && frame.processor != processor && frame.arrived_ms >= from_ms && frame.arrived_ms < to_ms;
  });
}

TEST(Player, TheSameSeedGivesTheSameNumbers) {
  for (const char* policy : {"schedutil", "limber", "alert", "oracle"}) {
    TestPlay a(camera_scenario()), b(camera_scenario());
    const Played first = a.run(policy, 7), second = b.run(policy, 7);
    EXPECT_EQ(first.energy_mj, second.energy_mj) << policy;
    EXPECT_EQ(first.applications[0].latencies_ms, second.applications[0].latencies_ms) << policy;
    EXPECT_NE(first.applications[0].latencies_ms, a.run(policy, 8).applications[0].latencies_ms) << policy;
  }
}

// Every frame that came after the warm-up and is due within the scenario is counted once, whatever became of it.
TEST(Player, NoFrameIsLostOrCountedTwice) {
  for (const double period_ms : {12.0, 40.0}) {  // too much for a static member, and easy
    TestPlay test(camera_scenario(period_ms));
    const std::vector<ArrivingFrame> arriving = arriving_frames(test.scenario, 0, 1);
    const auto due = std::count_if(arriving.begin(), arriving.end(), [&](const ArrivingFrame& frame) {
      return frame.ms >= 1000 && frame.ms + period_ms <= 6000;
    });
    for (const char* policy : {"schedutil", "performance", "limber"}) {
      const Played played = test.run(policy);
      const PlayedApplication& camera = played.applications[0];
      EXPECT_EQ(camera.frames, due) << policy;
      EXPECT_EQ(camera.served.size(), static_cast<std::size_t>(due));
      const auto served = std::count(camera.served.begin(), camera.served.end(), 1);
      if (std::string(policy) == "limber") {
        EXPECT_LE(served, camera.met);  // a smaller member answers where the largest cannot be in time
      } else {
        EXPECT_EQ(served, camera.met);
      }
      EXPECT_LE(camera.met, camera.frames);
    }
  }
}

TEST(Player, WhatCannotStartInTimeIsDropped) {
  TestPlay test(camera_scenario(12));  // 20 ms of work
  const Played played = test.run("performance");
  for (const PlayedFrame& frame : test.frames) {
    if (frame.begun_ms >= 0) {
      EXPECT_LT(frame.begun_ms, frame.deadline_ms);
    }
    if (frame.met) {
      EXPECT_LE(frame.ended_ms, frame.deadline_ms);
    }
  }
  const auto dropped = std::count_if(test.frames.begin(), test.frames.end(),
                                     [](const PlayedFrame& frame) { return frame.begun_ms < 0; });
  EXPECT_GT(dropped, 0);
  EXPECT_EQ(played.applications[0].met, 0);
}

// On a board where nothing is in the way, a frame takes what the job model says.
TEST(Player, TimesAreTheJobModels) {
  Scenario scenario = camera_scenario(100);
  scenario.applications[0].work_noise = 0;
  TestPlay test(scenario);
  test.run("performance:on=A15");
  for (const PlayedFrame& frame : test.frames) {
    if (frame.arrived_ms > 1000) {
      EXPECT_NEAR(frame.ended_ms - frame.begun_ms, 20, 0.05);
    }
  }
  test.run("performance:on=A7");
  const double a7 = 0.95 * 20 * 1024 / 377 + 0.05 * 20;  // memory does not wait for the core
  for (const PlayedFrame& frame : test.frames) {
    if (frame.arrived_ms > 1000) {
      EXPECT_NEAR(frame.ended_ms - frame.begun_ms, a7, 0.05);
    }
  }
}

TEST(Player, EnergyIsTheWholeBoards) {
  Scenario scenario = camera_scenario(100);
  scenario.applications[0].stop_s = 1.0;  // then nothing runs
  TestPlay test(scenario);
  const Played played = test.run("powersave");
  double idle_w = test.board.rest_w;
  for (const Processor& processor : test.board.processors)
    idle_w += power_w(processor.power, processor.opps.front(), 0, test.board.thermal.ambient_c);
  EXPECT_NEAR(played.energy_mj / played.seconds * 1e-3, idle_w, 0.05 * idle_w);
}

TEST(Player, AProcessorThatIsTakenAwayIsLeft) {
  Scenario scenario = camera_scenario(40, 9);
  Event event;
  event.kind = EventKind::kProcessorGone;
  event.processor = "A7";
  event.at_s = 3;
  event.until_s = 6;
  scenario.events.push_back(event);
  TestPlay test(scenario);
  const Played played = test.run("limber");
  const std::size_t a7 = test.board.find("A7");
  EXPECT_GE(met_without(test.frames, a7, 3100, 6000), 70);  // of 73
  EXPECT_LE(played.applications[0].frames - played.applications[0].met, 3);
}

TEST(Player, AStrangerGetsItsWorkDone) {
  Scenario scenario = camera_scenario(40);
  Stranger stranger;
  stranger.name = "compile job";
  stranger.threads = 1;
  scenario.strangers.push_back(stranger);
  TestPlay test(scenario);
  const double beside_schedutil = test.run("schedutil").foreign_work_ms,
               beside_limber = test.run("limber").foreign_work_ms;
  EXPECT_GT(beside_schedutil, 0.9 * 5000);  // an A15 core of its own
  EXPECT_GT(beside_limber, 0.95 * beside_schedutil);
}

TEST(Player, ATargetMayChangeAndMetersMayFail) {
  Scenario scenario = camera_scenario(40, 9);
  Event target;
  target.kind = EventKind::kTarget;
  target.application = "camera";
  target.deadline_ms = 15;
  target.at_s = 4;
  scenario.events.push_back(target);
  Event failure;
  failure.kind = EventKind::kSensorFailure;
  failure.at_s = 2;
  scenario.events.push_back(failure);
  TestPlay test(scenario);
  test.run("limber");
  int64_t late = 0, after = 0;
  for (const PlayedFrame& frame : test.frames) {
    if (frame.arrived_ms < 4000) continue;
    EXPECT_NEAR(frame.deadline_ms - frame.arrived_ms, 15, 1e-9);
    ++after;
    late += frame.met ? 0 : 1;
  }
  EXPECT_LE(late, after / 50);
}

// The cap of a scenario holds for every policy: the board itself takes clocks back.
TEST(Player, AThermalCapIsKept) {
  Scenario scenario = camera_scenario(22, 40);
  Event cap;
  cap.kind = EventKind::kThermalCap;
  cap.at_s = 5;
  cap.temperature_c = 46;
  scenario.events.push_back(cap);
  TestPlay free(camera_scenario(22, 40)), capped(scenario);
  for (const char* policy : {"performance", "limber"}) {
    EXPECT_LT(capped.run(policy).peak_c, 47.5) << policy;
  }
  EXPECT_GT(free.run("performance").peak_c, 50);
}

}  // namespace
}  // namespace limber::tool
