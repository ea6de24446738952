// SPDX-License-Identifier: Apache-2.0
#include "server/daemon/arbitration.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "formats/shipped_file.h"
#include "server/daemon/board_watts.h"

namespace limber::server {
namespace {

ArbitratedProcessor processor(const std::string& name, std::vector<int> cpus, std::vector<int64_t> khz,
                              double capacity = 1024) {
  ArbitratedProcessor made;
  made.tables.name = name;
  made.tables.cores = static_cast<int>(cpus.size());
  made.tables.khz = std::move(khz);
  made.cpus = std::move(cpus);
  made.capacity = capacity;
  return made;
}

// Members of 4, 8 and 11 ms on one core.
OpenSession session(const std::string& name, bool prefer_accuracy = true) {
  OpenSession open;
  open.name = name;
  open.members = {{"25%", 0.80}, {"50%", 0.88}, {"100%", 0.91}};
  open.options = {{0, "", 1, {4}}, {1, "", 1, {8}}, {2, "", 1, {11}}};
  open.target.deadline_ms = 33;
  open.target.rate_hz = 30;
  open.target.prefer_accuracy = prefer_accuracy;
  return open;
}

SystemView others(std::vector<std::vector<double>> shares) {
  SystemView view;
  for (auto& share : shares) {
    SystemView::Processor processor;
    processor.others = std::move(share);
    view.processors.push_back(std::move(processor));
  }
  return view;
}

std::string refusal(Arbitration* arbitration, const OpenSession& open) {
  try {
    arbitration->add(1, open, 0);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    return error.what();
  }
  return "accepted";
}

TEST(Arbitration, TwoApplicationsGetACoreEachAndAnyMember) {
  Arbitration arbitration({processor("cpu", {4, 5}, {0})});
  arbitration.add(1, session("a"), 0);
  arbitration.add(2, session("b"), 0);
  EXPECT_EQ(arbitration.assignment(1).reason, "not divided yet");
  EXPECT_TRUE(arbitration.divide(0));
  EXPECT_FALSE(arbitration.divide(10)) << "nothing has happened";
  const Assignment a = arbitration.assignment(1), b = arbitration.assignment(2);
  EXPECT_NE(a.cpus, b.cpus);
  for (const Assignment& given : {a, b}) {
    ASSERT_EQ(given.cpus.size(), 1u);
    EXPECT_TRUE(given.exclusive);
    EXPECT_TRUE(given.met);
    EXPECT_EQ(given.ceiling, 2);
    EXPECT_EQ(given.khz, 0);
  }
}

TEST(Arbitration, OnOneCoreTheyShareItsTime) {
  Arbitration arbitration({processor("cpu", {0}, {0})});
  for (int id = 1; id <= 4; ++id) arbitration.add(id, session(fmt::format("app {}", id)), 0);
  arbitration.divide(0);
  double busy = 0;
  for (int id = 1; id <= 4; ++id) {
    const Assignment given = arbitration.assignment(id);
    EXPECT_FALSE(given.exclusive);
    EXPECT_TRUE(given.met);
    busy += (given.ceiling == 2 ? 11 : given.ceiling == 1 ? 8 : 4) * 30e-3;
    EXPECT_NE(given.reason.find("shared with"), std::string::npos) << given.reason;
  }
  EXPECT_LE(busy, 0.95);
  EXPECT_GT(busy, 0.7) << "not everybody has to be small";
  for (int id = 2; id <= 4; ++id) arbitration.remove(id, 0);
  arbitration.divide(1);
  EXPECT_EQ(arbitration.assignment(1).ceiling, 2);
}

TEST(Arbitration, EfficiencyTakesTheSmallestMemberAboveTheFloorAndALowClock) {
  Arbitration arbitration({processor("cpu", {0, 1}, {500'000, 1'000'000, 2'000'000})});
  OpenSession open = session("a", false);
  open.target.accuracy = 0.85;
  arbitration.add(1, open, 0);
  arbitration.divide(0);
  const Assignment given = arbitration.assignment(1);
  EXPECT_EQ(given.ceiling, 1);
  EXPECT_EQ(given.floor, 1);
  EXPECT_EQ(given.khz, 1'000'000) << "8 ms at 2 GHz are 16 at 1 GHz, and 32 and no reserve at 500 MHz";
  EXPECT_EQ(arbitration.clocks()[0].kind, ClockOrder::Kind::kFixed);
  EXPECT_EQ(arbitration.clocks()[0].point, 1u);
  // Others on a core: their governor stays, ours is a lower bound.
  arbitration.look(others({{0.5, 0}}));
  EXPECT_TRUE(arbitration.divide(1));
  EXPECT_EQ(arbitration.clocks()[0].kind, ClockOrder::Kind::kAtLeast);
  EXPECT_EQ(arbitration.assignment(1).cpus, std::vector<int>{1}) << "away from them";
  arbitration.remove(1, 0);
  arbitration.divide(2);
  EXPECT_EQ(arbitration.clocks()[0], ClockOrder{}) << "as found";
}

// A target may ask for confidence: members whose answers are not sure enough give way to larger ones.
TEST(Arbitration, MembersThatAreNotSureEnoughGiveWay) {
  Arbitration arbitration({processor("cpu", {0}, {0})});
  OpenSession open = session("a", false);
  open.target.confidence = 0.8;
  arbitration.add(1, open, 0);
  arbitration.divide(0);
  ASSERT_EQ(arbitration.assignment(1).ceiling, 0);
  arbitration.report(1, std::vector<FrameReport>(20, {4, 33, 4, true, 0, 0.6}), 0);
  EXPECT_TRUE(arbitration.divide(1)) << "a reason";
  EXPECT_EQ(arbitration.assignment(1).ceiling, 1);
  EXPECT_EQ(arbitration.assignment(1).floor, 1);
  arbitration.report(1, std::vector<FrameReport>(100, {8, 33, 8, true, 1, 0.95}), 0);
  arbitration.divide(2);
  EXPECT_EQ(arbitration.assignment(1).ceiling, 0) << "so sure that the smaller one is tried again";
}

TEST(Arbitration, ReportsTeachHowSlowItIs) {
  Arbitration arbitration({processor("cpu", {0}, {0})});
  arbitration.add(1, session("a", false), 0);
  arbitration.divide(0);
  ASSERT_EQ(arbitration.assignment(1).ceiling, 0);
  EXPECT_TRUE(arbitration.assignment(1).met);
  arbitration.report(1, std::vector<FrameReport>(30, {40, 33, 4, false, 0}), 0);
  EXPECT_FALSE(arbitration.divide(50)) << "late frames are a reason, but not at once";
  EXPECT_TRUE(arbitration.divide(150));
  EXPECT_FALSE(arbitration.assignment(1).met);
  EXPECT_NE(arbitration.assignment(1).reason.find("best effort"), std::string::npos);
  EXPECT_NEAR(arbitration.record(1).slowdown, 10, 3);
  EXPECT_EQ(arbitration.record(1).met_lately, 0);
  EXPECT_EQ(arbitration.record(1).frames, 30);
}

TEST(Arbitration, NobodyMovesForNothing) {
  Arbitration arbitration({processor("cpu", {0, 1}, {0})});
  arbitration.add(1, session("a"), 0);
  arbitration.add(2, session("b"), 0);
  arbitration.divide(0);
  const auto before = arbitration.assignment(1).cpus;
  double now = 0;
  for (const double load : {0.4, 0.9, 0.2, 0.7}) {
    arbitration.look(others({{load, 0.95 - load}}));
    arbitration.divide(now += 1000);
    EXPECT_EQ(arbitration.assignment(1).cpus, before) << "both cores are used either way";
  }
  arbitration.remove(2, 0);
  const int own = before[0];
  arbitration.look(others({own == 0 ? std::vector<double>{0.9, 0.0} : std::vector<double>{0.0, 0.9}}));
  arbitration.divide(now + 1000);
  EXPECT_NE(arbitration.assignment(1).cpus, before) << "a free core is worth it";
}

TEST(Arbitration, SlowCoresTakeLonger) {
  Arbitration arbitration({processor("little", {0, 1}, {0}, 400), processor("big", {2}, {0}, 1024)});
  arbitration.add(1, session("a"), 0);
  arbitration.divide(0);
  EXPECT_EQ(arbitration.assignment(1).processor, arbitration.assignment(1).cpus[0] == 2 ? "big" : "little");
  OpenSession slow = session("slow");
  slow.target.accuracy = 0.9;
  slow.target.deadline_ms = 20;  // 11 ms at 40 % of the capacity are 28
  arbitration.add(2, slow, 0);
  arbitration.divide(1);
  EXPECT_EQ(arbitration.assignment(2).processor, "big");
}

TEST(Arbitration, NamesWhatDoesNotFit) {
  Arbitration arbitration({processor("little", {0, 1}, {1000, 2000}), processor("big", {2}, {1000})});
  OpenSession open = session("a");
  open.options[0].processor = "gpu";
  EXPECT_NE(refusal(&arbitration, open).find("no processor 'gpu'; there are: little, big"), std::string::npos);
  open = session("a");
  open.options[0].processor = "little";
  open.options[0].ms = {1, 2, 3};
  EXPECT_NE(refusal(&arbitration, open).find("legal: 1 or 2"), std::string::npos);
  open = session("a");
  for (SessionOption& option : open.options) option.cores = 3;
  EXPECT_NE(refusal(&arbitration, open).find("more cores than"), std::string::npos);
  EXPECT_FALSE(arbitration.divide(1e6) && !arbitration.clocks().empty() && arbitration.clocks()[0] != ClockOrder{});
}

// What is ordered for a frame is what the manager of the simulator orders: it is the same.
TEST(Arbitration, AnnouncedFramesGetTheManagersOrders) {
  const std::vector<ArbitratedProcessor> processors = {processor("little", {0, 1}, {500'000, 1'000'000}, 400),
                                                       processor("big", {2, 3}, {500'000, 1'000'000, 2'000'000})};
  Arbitration arbitration(processors);
  OpenSession open = session("a", false);
  open.target.accuracy = 0.9;
  open.announces = true;
  arbitration.add(1, open, 0);
  std::vector<ManagedProcessor> tables;
  for (const ArbitratedProcessor& p : arbitration.processors()) tables.push_back(p.tables);
  ResourceManagerSettings settings;
  settings.measured = true;
  ResourceManager manager(tables, settings);
  ManagedApplication application;
  application.name = "a";
  application.members = open.members;
  application.target = open.target;
  for (int member = 0; member < 3; ++member) {
    const double ms = open.options[static_cast<std::size_t>(member)].ms[0];
    for (std::size_t p = 0; p < 2; ++p) {
      ManagedOption option{member, p, 1, {}, {}};
      for (std::size_t i = 0; i < tables[p].khz.size(); ++i) {
        const double clock = static_cast<double>(tables[p].khz[i]) / static_cast<double>(tables[p].khz.back());
        option.ms.push_back(ms * (p == 0 ? 1024.0 / 400 : 1) / clock);
        option.busy_w.push_back(arbitration.processors()[p].core_w[i]);
      }
      application.options.push_back(option);
    }
  }
  manager.add(1, application, 0);
  EXPECT_TRUE(arbitration.assignment(1).announce);
  double now = 0;
  for (int frame = 1; frame <= 100; ++frame, now += 33) {
    const double left = frame % 10 == 0 ? 15 : 33, work = frame % 7 == 0 ? 1.4 : 1.1;
    const FrameOrdered ordered = arbitration.begin(1, {1, frame, left, {}}, now);
    const FrameOrder order = manager.frame_begins(1, {now, now + left, {}, 0});
    EXPECT_EQ(ordered.member, order.member);
    EXPECT_EQ(ordered.processor, tables[order.processor].name);
    EXPECT_EQ(ordered.expected_ms, order.expected_ms);
    EXPECT_EQ(arbitration.clocks(), manager.clocks()) << "frame " << frame;
    EXPECT_EQ(arbitration.next_check_ms() <= now + left, order.check_at_ms > 0);
    if (order.check_at_ms > 0 && work * order.expected_ms > order.check_at_ms - now) {
      arbitration.check(order.check_at_ms);
      manager.frame_checked(1, order.check_at_ms);
      EXPECT_EQ(arbitration.clocks(), manager.clocks());
    }
    const double end = now + order.expected_ms * work;
    arbitration.report(1, {{order.expected_ms * work, left, 0, end <= now + left, order.member, -1, frame}}, end);
    manager.frame_ends(1, {end, end <= now + left});
    EXPECT_EQ(arbitration.clocks(), manager.clocks());
  }
  EXPECT_GT(arbitration.record(1).slowdown, 1.02) << "both have learnt";
  EXPECT_EQ(arbitration.record(1).frames, 100);
}

TEST(Arbitration, ALostFrameDoesNotHoldTheClock) {
  Arbitration arbitration({processor("cpu", {0}, {500'000, 1'000'000})});
  OpenSession open = session("a");
  open.announces = true;
  arbitration.add(1, open, 0);
  arbitration.begin(1, {1, 1, 33, {}}, 0);
  arbitration.check(33);
  EXPECT_EQ(arbitration.clocks()[0].point, 1u);
  ASSERT_LT(arbitration.next_check_ms(), 2000);
  arbitration.check(2000);
  EXPECT_EQ(arbitration.clocks()[0].point, 0u);
  EXPECT_GT(arbitration.next_check_ms(), 1e9);
  // Its late report is one of a frame that was not announced.
  arbitration.report(1, {{2500, 33, 11, false, 2, -1, 1}}, 2500);
  EXPECT_EQ(arbitration.record(1).frames, 1);
}

// With a board's watts the cheaper cores are known: without them a core counts like another.
TEST(Arbitration, ABoardsWattsTellWhichCoresAreCheap) {
  const Board board = read_board(find_shipped_file("boards", "odroid-xu3"));
  std::vector<ArbitratedProcessor> processors = {processor("A7", {0, 1, 2, 3}, {200'000, 1'000'000, 1'400'000}, 500),
                                                 processor("A15", {4, 5, 6, 7}, {200'000, 1'000'000, 2'000'000})};
  add_watts(board, &processors);
  ASSERT_EQ(processors[1].core_w.size(), 3u);
  EXPECT_GT(processors[1].core_w[2], 3 * processors[0].core_w[2]);
  Arbitration arbitration(processors);
  arbitration.add(1, session("a", false), 0);
  arbitration.divide(0);
  EXPECT_EQ(arbitration.assignment(1).processor, "A7");
  processors.push_back(processor("A76", {8}, {1000}));
  try {
    add_watts(board, &processors);
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("A76"), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find("A15"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace limber::server
