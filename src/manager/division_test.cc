// SPDX-License-Identifier: Apache-2.0
#include "manager/division.h"

#include <gtest/gtest.h>

#include <functional>

#include "base/error.h"

namespace limber {
namespace {

constexpr double kNoCap = std::numeric_limits<double>::infinity();

ManagedProcessor processor(const std::string& name, int cores, std::vector<double> idle_w = {0.1}) {
  ManagedProcessor result;
  result.name = name;
  result.cores = cores;
  for (std::size_t i = 0; i < idle_w.size(); ++i) result.khz.push_back(1000000 * static_cast<int64_t>(i + 1));
  result.idle_w = std::move(idle_w);
  return result;
}

ManagedOption option(int member, std::size_t processor, int cores, double ms, double watts) {
  return {member, processor, cores, {ms}, {watts}};
}

ManagedApplication application(const std::string& name, std::vector<ManagedOption> options, double weight = 1) {
  ManagedApplication result;
  result.name = name;
  result.members = {{"small", 0.6}, {"large", 0.8}};
  result.options = std::move(options);
  result.target.deadline_ms = 40;
  result.target.rate_hz = 10;
  result.target.weight = weight;
  return result;
}

// A device with its applications, to be divided again and again.
struct Device {
  std::vector<ManagedProcessor> tables;
  std::vector<DividedProcessor> processors;
  std::vector<ManagedApplication> applications;
  std::vector<ApplicationShare> shares;
  std::vector<WorkEstimate> estimates;

  Device(std::vector<ManagedProcessor> of, std::vector<ManagedApplication> with)
      : tables(std::move(of)), applications(std::move(with)), shares(applications.size()) {
    for (const ManagedProcessor& one : tables) processors.push_back({&one, true, false, one.khz.size() - 1, {}});
    for (const ManagedApplication& one : applications) estimates.emplace_back(one.options.size());
  }
  double divide(double cap_w = kNoCap) {
    std::vector<DividedApplication> divided;
    for (std::size_t a = 0; a < applications.size(); ++a)
      divided.push_back({&applications[a], &estimates[a], &shares[a]});
    return divide_processors(processors, divided, cap_w, 1);
  }
};

TEST(Division, CoresAreDisjointWhereTheySuffice) {
  Device device({processor("A7", 4)},
                {application("a", {option(1, 0, 2, 20, 0.2)}), application("b", {option(1, 0, 1, 20, 0.1)}),
                 application("c", {option(1, 0, 1, 20, 0.1)})});
  device.divide();
  std::vector<int> taken(4, 0);
  for (const ApplicationShare& share : device.shares) {
    EXPECT_TRUE(share.exclusive);
    EXPECT_TRUE(share.met);
    for (const int core : share.cores) ++taken.at(static_cast<std::size_t>(core));
  }
  EXPECT_EQ(taken, std::vector<int>(4, 1));
  EXPECT_EQ(device.shares[0].cores.size(), 2u);
}

TEST(Division, CoresAreSharedWhereTheyDoNot) {
  Device device({processor("A7", 4)},
                {application("a", {option(1, 0, 3, 10, 0.2)}), application("b", {option(1, 0, 3, 10, 0.2)})});
  device.divide();
  EXPECT_FALSE(device.shares[0].exclusive);
  EXPECT_FALSE(device.shares[1].exclusive);
  EXPECT_TRUE(device.shares[0].met) << "there is time enough for both";
}

TEST(Division, TheHeavierApplicationGetsTheQuieterCores) {
  Device device({processor("A7", 4)}, {application("light", {option(1, 0, 2, 10, 0.2)}, 1),
                                       application("heavy", {option(1, 0, 2, 10, 0.2)}, 5)});
  device.processors[0].others = {0.5, 0.0, 0.3, 0.1};
  device.divide();
  EXPECT_EQ(device.shares[1].cores, (std::vector<int>{1, 3}));
  EXPECT_EQ(device.shares[0].cores, (std::vector<int>{0, 2}));
}

TEST(Division, AProcessorThatIsGoneIsLeft) {
  Device device({processor("A7", 4), processor("A15", 4)},
                {application("a", {option(1, 0, 1, 30, 0.4), option(1, 1, 1, 20, 0.1)})});
  device.divide();
  EXPECT_EQ(device.shares[0].processor, 1u);
  device.processors[1].available = false;
  device.divide();
  EXPECT_EQ(device.shares[0].processor, 0u);
  EXPECT_EQ(device.shares[0].option, 0u);
  EXPECT_TRUE(device.shares[0].met);
  device.processors[1].available = true;
  device.divide();
  EXPECT_EQ(device.shares[0].processor, 1u) << "three quarters of the busy power are worth a change";
}

TEST(Division, KeepsWhatItHasWhereLittleIsSaved) {
  const auto two_options = [](double second_w) {
    // Ten frames of 20 ms a second: a fifth of the time, so 0.2 W each, beside 2 * 0.1 W of idle processors.
    return application("a", {option(1, 0, 1, 20, 1.0), option(1, 1, 1, 20, second_w)});
  };
  const std::vector<ManagedProcessor> tables = {processor("A7", 4), processor("A15", 4)};
  Device device(tables, {two_options(0.98)});
  EXPECT_NEAR(device.divide(), 0.2 + 0.2 * 0.98, 1e-6);
  EXPECT_EQ(device.shares[0].option, 1u) << "who has nothing gets the better one";
  device.shares[0] = ApplicationShare{};
  device.shares[0].processor = 0;
  device.shares[0].option = 0;
  device.divide();
  EXPECT_EQ(device.shares[0].option, 0u) << "4 mW of 400 are not worth it";
  device.applications[0] = two_options(0.8);
  device.divide();
  EXPECT_EQ(device.shares[0].option, 1u) << "40 mW are";
}

TEST(Division, TheFloorIsWhatCanBeServed) {
  Device device({processor("A7", 4)}, {application("a", {option(0, 0, 1, 20, 0.2), option(1, 0, 1, 30, 0.3)})});
  device.applications[0].target.accuracy = 0.7;
  device.divide();
  EXPECT_EQ(device.shares[0].option, 1u);
  EXPECT_EQ(device.shares[0].floor, kNoCap);
  // The large member no longer is in time.
  device.applications[0].target.deadline_ms = 25;
  device.divide();
  EXPECT_EQ(device.shares[0].option, 0u);
  EXPECT_NEAR(device.shares[0].floor, 0.6, 1e-9);
  EXPECT_FALSE(device.shares[0].met);
}

TEST(Division, PlansWithWhatWasLearnt) {
  // Equal tables, but frames showed that the first option takes twice as long as its table says.
  Device device({processor("A7", 4), processor("A15", 4)},
                {application("a", {option(1, 0, 1, 25, 0.2), option(1, 1, 1, 25, 0.3)})});
  device.divide();
  EXPECT_EQ(device.shares[0].option, 0u);
  for (int i = 0; i < 20; ++i) device.estimates[0].observe(0, 2);
  device.divide();
  EXPECT_EQ(device.shares[0].option, 1u);
  EXPECT_TRUE(device.shares[0].met);
}

TEST(Division, WaitingForAGpuTakesNoEnergy) {
  ManagedProcessor gpu = processor("gpu", 1);
  for (const bool cpu : {true, false}) {
    gpu.cpu = cpu;
    Device device({gpu}, {application("a", {option(1, 0, 1, 10, 1)})});
    for (int i = 0; i < 20; ++i) device.estimates[0].observe(0, 2);
    EXPECT_NEAR(device.divide(), 0.1 + (cpu ? 0.2 : 0.1), 1e-3) << "twice as long, ten times a second";
  }
}

TEST(Division, PointsAreWithinWhatHeatLeaves) {
  Device device({processor("A7", 4, {0.1, 0.5})}, {application("a", {{1, 0, 1, {50, 20}, {0.2, 0.6}}})});
  device.divide();
  EXPECT_EQ(device.shares[0].points, std::vector<std::size_t>{1});
  EXPECT_TRUE(device.shares[0].met);
  device.processors[0].highest = 0;
  device.divide();
  EXPECT_EQ(device.shares[0].points, std::vector<std::size_t>{0});
  EXPECT_FALSE(device.shares[0].met);
}

TEST(Division, ACapIsKeptAtTheCostOfTheLighter) {
  Device device({processor("A7", 4)}, {application("light", {option(0, 0, 1, 20, 1), option(1, 0, 1, 20, 4)}, 1),
                                       application("heavy", {option(0, 0, 1, 20, 1), option(1, 0, 1, 20, 4)}, 5)});
  for (ManagedApplication& one : device.applications) one.target.accuracy = 0.7;
  device.divide();
  EXPECT_EQ(device.shares[0].option, 1u);
  EXPECT_EQ(device.shares[1].option, 1u);
  device.divide(1.2);  // 0.1 + 0.8 + 0.8 W before
  EXPECT_EQ(device.shares[0].option, 0u);
  EXPECT_EQ(device.shares[1].option, 1u);
}

TEST(Division, NobodyIsNothing) {
  EXPECT_EQ(divide_processors({}, {}, kNoCap, 1), 0);
}

std::string refusal(const std::function<void(ManagedApplication&)>& change) {
  ManagedApplication one = application("camera", {option(1, 0, 2, 20, 0.2)});
  change(one);
  try {
    check_application(one, {processor("A7", 4)});
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    return error.what();
  }
  return "";
}

TEST(Division, TablesThatDoNotFitAreRefusedByName) {
  EXPECT_EQ(refusal([](ManagedApplication&) {}), "");
  const auto refused = [](const char* what, const std::function<void(ManagedApplication&)>& change) {
    const std::string text = refusal(change);
    EXPECT_NE(text.find("camera"), std::string::npos) << what << ": " << text;
    EXPECT_NE(text.find(what), std::string::npos) << text;
  };
  refused("no members, or no options", [](auto& a) { a.options.clear(); });
  refused("no members, or no options", [](auto& a) { a.members.clear(); });
  refused("deadline 0 ms", [](auto& a) { a.target.deadline_ms = 0; });
  refused("-1 frames a second", [](auto& a) { a.target.rate_hz = -1; });
  refused("aim 1.5", [](auto& a) { a.target.aim = 1.5; });
  refused("weight 0", [](auto& a) { a.target.weight = 0; });
  refused("of processor 1 does", [](auto& a) { a.options[0].processor = 1; });
  refused("member 2", [](auto& a) { a.options[0].member = 2; });
  refused("member -1", [](auto& a) { a.options[0].member = -1; });
  refused("on 5 cores", [](auto& a) { a.options[0].cores = 5; });
  refused("on 0 cores", [](auto& a) { a.options[0].cores = 0; });
  refused("does not fit", [](auto& a) { a.options[0].ms.push_back(1); });
  refused("does not fit", [](auto& a) { a.options[0].busy_w.clear(); });
  refused("times that are not above 0", [](auto& a) { a.options[0].ms[0] = 0; });
}

// To move costs caches: others' load must be so much less elsewhere, and two of one weight do not swap.
TEST(Division, NobodyMovesForNothing) {
  const ManagedApplication a = application("a", {option(0, 0, 1, 10, 1)}),
                           b = application("b", {option(0, 0, 1, 10, 1)});
  Device device({processor("cpu", 3)}, {a, b});
  device.divide();
  const std::vector<int> first = device.shares[0].cores, second = device.shares[1].cores;
  ASSERT_NE(first, second);
  const int third = 3 - first[0] - second[0];
  const auto load = [&](int core, double share) {
    device.processors[0].others.assign(3, 0.6);
    device.processors[0].others[static_cast<std::size_t>(core)] = share;
    device.divide();
  };
  load(first[0], 0.8);
  EXPECT_EQ(device.shares[0].cores, first) << "a fifth of a core is not enough";
  load(second[0], 0);
  EXPECT_EQ(device.shares[0].cores, first) << "who swapped would gain nothing for both";
  EXPECT_EQ(device.shares[1].cores, second);
  load(third, 0.1);
  EXPECT_EQ(device.shares[0].cores, std::vector<int>{third}) << "a free core is worth it";
  EXPECT_EQ(device.shares[1].cores, second);
  device.applications[1].target.weight = 5;
  load(third, 0.1);
  EXPECT_EQ(device.shares[1].cores, std::vector<int>{third}) << "and the heavier one may take it";
  EXPECT_NE(device.shares[0].cores, std::vector<int>{third});
}

}  // namespace
}  // namespace limber
