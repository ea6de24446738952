// SPDX-License-Identifier: Apache-2.0
#include "manager/resource_manager.h"

#include <gtest/gtest.h>

namespace limber {
namespace {

using Kind = ClockOrder::Kind;

ManagedProcessor cpu(int cores = 2) {
  return {"cpu", true, cores, {500'000, 1'000'000, 2'000'000}, {0.1, 0.2, 0.4}, 0.1};
}

// 10 ms at the highest clock.
ManagedApplication camera(double deadline_ms = 33) {
  ManagedApplication application;
  application.name = "camera";
  application.members = {{"only", 0.9}};
  application.options = {{0, 0, 1, {40, 20, 10}, {0.3, 0.8, 3}}};
  application.target.deadline_ms = deadline_ms;
  application.target.rate_hz = 20;
  return application;
}

SystemView seen(double now_ms, std::vector<double> others) {
  SystemView view;
  view.now_ms = now_ms;
  view.processors.emplace_back();
  view.processors[0].others = std::move(others);
  return view;
}

TEST(ResourceManager, AFrameGetsItsClockAndTheClockRests) {
  ResourceManager manager({cpu()});
  manager.add(1, camera(), 0);
  EXPECT_EQ(manager.clocks()[0], ClockOrder{}) << "nothing has run yet";
  const FrameOrder order = manager.frame_begins(1, {0, 33, {}, 0});
  EXPECT_EQ(manager.clocks()[0], (ClockOrder{Kind::kFixed, "", 1}));
  EXPECT_NEAR(order.expected_ms, 20, 1);
  manager.frame_ends(1, {20, true});
  EXPECT_EQ(manager.clocks()[0], (ClockOrder{Kind::kFixed, "", 0}));
  manager.remove(1, 30);
  EXPECT_EQ(manager.clocks()[0], ClockOrder{}) << "given back";
}

TEST(ResourceManager, AFrameThatIsCheckedRunsAtTheHighestClock) {
  ResourceManager manager({cpu()});
  manager.add(1, camera(24), 0);
  const FrameOrder order = manager.frame_begins(1, {0, 24, {}, 0});
  ASSERT_EQ(manager.clocks()[0].point, 1u) << "20 ms of 24 are enough for the usual frame";
  ASSERT_GT(order.check_at_ms, 0);
  EXPECT_LT(order.check_at_ms, 24) << "one that is longer still ends in time";
  manager.frame_checked(1, order.check_at_ms);
  EXPECT_EQ(manager.clocks()[0].point, 2u);
}

// Nobody says when its frames run: the clock is as planned all the time.
TEST(ResourceManager, WhoDoesNotAnnounceFramesHasThePlannedClock) {
  ResourceManager manager({cpu()});
  manager.add(1, camera(), 0);
  manager.set_announcing(1, false, 0);
  manager.divide_if_due(0);
  EXPECT_EQ(manager.share(1).cores.size(), 1u);
  EXPECT_EQ(manager.clocks()[0], (ClockOrder{Kind::kFixed, "", 1}));
  for (int i = 0; i < 30; ++i) manager.observe(1, {0, 40, 1, false});
  manager.divide_if_due(500);
  EXPECT_EQ(manager.clocks()[0].point, 2u) << "twice as slow as its table";
  // Beside others their governor goes on, and is held from below.
  manager.look(seen(600, {0.5, 0}));
  EXPECT_EQ(manager.clocks()[0].kind, Kind::kAtLeast);
  // An announced frame of somebody else fixes the clock while it runs, and not below what the first one needs.
  manager.add(2, camera(200), 700);
  manager.frame_begins(2, {700, 900, {}, 0});
  EXPECT_EQ(manager.clocks()[0], (ClockOrder{Kind::kFixed, "", 2}));
  manager.frame_ends(2, {710, true});
  EXPECT_EQ(manager.clocks()[0].kind, Kind::kAtLeast);
}

TEST(ResourceManager, BesideOthersTheClockIsTheGovernorsBetweenFrames) {
  ResourceManager manager({cpu()});
  manager.add(1, camera(), 0);
  manager.frame_begins(1, {0, 33, {}, 0});
  manager.frame_ends(1, {20, true});
  manager.look(seen(100, {0.4, 0}));
  EXPECT_EQ(manager.clocks()[0], ClockOrder{});
  const FrameOrder order = manager.frame_begins(1, {150, 183, {}, 0});
  EXPECT_EQ(manager.clocks()[0].kind, Kind::kFixed);
  EXPECT_TRUE(order.cores.empty()) << "the scheduler knows which core is free";
  manager.frame_ends(1, {170, true});
  EXPECT_EQ(manager.clocks()[0], ClockOrder{});
}

TEST(ResourceManager, LateFramesAreAReasonToDivideButNotAtOnce) {
  ResourceManager manager({cpu()});
  manager.add(1, camera(), 0);
  manager.set_announcing(1, false, 0);
  manager.divide_if_due(0);
  const int64_t before = manager.divisions();
  manager.observe(1, {0, 50, 1, false});
  manager.divide_if_due(ResourceManager::kHurryMs / 2);
  EXPECT_EQ(manager.divisions(), before);
  manager.divide_if_due(ResourceManager::kHurryMs);
  EXPECT_EQ(manager.divisions(), before + 1);
  manager.divide_if_due(ResourceManager::kHurryMs + 10);
  EXPECT_EQ(manager.divisions(), before + 1) << "without a reason";
  manager.divide_if_due(ResourceManager::kHurryMs + ResourceManager::kDivideMs);
  EXPECT_EQ(manager.divisions(), before + 2);
}

// Half of the ordered member's work in half its time is no sign of a faster machine.
TEST(ResourceManager, PartlyDoneFramesAreCountedAsSuch) {
  ResourceManager manager({cpu()});
  manager.add(1, camera(100), 0);
  double now = 0;
  for (int i = 0; i < 30; ++i, now += 100) {
    const FrameOrder order = manager.frame_begins(1, {now, now + 100, {}, 0});
    FrameEnd end{now + order.expected_ms / 2, true};
    end.done = 0.5;
    manager.frame_ends(1, end);
  }
  EXPECT_NEAR(manager.estimate(1).factor(0), 1, 0.05);
}

}  // namespace
}  // namespace limber
