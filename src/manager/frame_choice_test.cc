// SPDX-License-Identifier: Apache-2.0
#include "manager/frame_choice.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <random>

namespace limber {
namespace {

constexpr double kInfinite = std::numeric_limits<double>::infinity();

// Three members on one core of one processor with three points; energies at deviation 0: 8, 10, 20 mJ times the cost.
ManagedApplication three_members() {
  ManagedApplication application;
  application.name = "camera";
  for (const auto& [accuracy, cost] : {std::pair{0.5, 0.5}, {0.6, 0.8}, {0.8, 1.0}}) {
    const int member = static_cast<int>(application.members.size());
    application.members.push_back({"m", accuracy});
    application.options.push_back({member, 0, 1, {40 * cost, 20 * cost, 10 * cost}, {0.2, 0.5, 2.0}});
  }
  return application;
}

ManagedApplication largest_alone() {
  ManagedApplication application = three_members();
  application.options.erase(application.options.begin(), application.options.end() - 1);
  return application;
}

std::vector<ProcessorOffer> all_points() {
  return {{1, 0, 2, {0, 0, 0}, 0, true}};
}

FrameNeed within(double ms, double accuracy = 0, double deviation = 0) {
  FrameNeed need;
  need.soft_ms = need.hard_ms = ms;
  need.accuracy = accuracy;
  need.energy_mj = kInfinite;
  need.deviation = deviation;
  return need;
}

FrameChoice choose(const ManagedApplication& application, const FrameNeed& need,
                   const std::vector<ProcessorOffer>& offers = all_points(), double busy_scale = 1) {
  return choose_for_frame(application, WorkEstimate(application.options.size()), offers, need, busy_scale);
}

// When a frame of so much work is there that obeys the choice. The clock takes delay_ms to change, at the beginning and
// for the boost; until then work goes on at the point before.
double end_of_frame(const ManagedOption& option, const ProcessorOffer& offer, const FrameChoice& choice, double work) {
  const double slow_ms = option.ms[choice.point], fast_ms = option.ms[offer.highest];
  const double slow_only = offer.delay_ms + work * slow_ms;
  if (choice.boost_ms <= 0) return slow_only;
  const double fast_from = choice.boost_ms + offer.delay_ms;
  if (slow_only <= fast_from) return slow_only;
  return fast_from + (work - (fast_from - offer.delay_ms) / slow_ms) * fast_ms;
}

TEST(FrameChoice, LeastEnergyInTime) {
  const ManagedApplication application = largest_alone();
  const FrameChoice slow = choose(application, within(100));
  EXPECT_EQ(slow.point, 0u);
  EXPECT_NEAR(slow.expected_ms, 40, 1e-9);
  EXPECT_NEAR(slow.energy_mj, 8, 1e-9);
  EXPECT_TRUE(slow.met);
  EXPECT_EQ(choose(application, within(25)).point, 1u);
  const FrameChoice fast = choose(application, within(10));
  EXPECT_EQ(fast.point, 2u);
  EXPECT_EQ(fast.boost_ms, 0) << "there is no higher point to take over";
  EXPECT_TRUE(fast.met);
  EXPECT_FALSE(choose(application, within(9.9)).met);
}

TEST(FrameChoice, AClockThatHasToRunMakesHasteCheap) {
  const ManagedApplication application = largest_alone();
  std::vector<ProcessorOffer> offers = all_points();
  offers[0].clock_w = {2, 2, 2};  // 40 * 2.2, 20 * 2.5, 10 * 4 mJ
  EXPECT_EQ(choose(application, within(100), offers).point, 2u);
  EXPECT_NEAR(choose(application, within(100), offers).energy_mj, 40, 1e-9);
  // Twice the networks' own power on top of it: 96, 60, 60; three times: 104, 70, 80.
  EXPECT_EQ(choose(application, within(100), offers, 3).point, 1u);
  EXPECT_NEAR(choose(application, within(100), offers, 3).energy_mj, 70, 1e-9);
}

TEST(FrameChoice, BoostsAtTheLastMomentForAFrameThreeDeviationsLonger) {
  const ManagedApplication application = largest_alone();
  // At point 1: (1 + 0.3) * 20 = 26 ms would be late. x at 20 ms a frame, the rest at 10: x + (1.3 - x / 20) * 10 = 24.
  const FrameChoice choice = choose(application, within(24, 0, 0.1));
  EXPECT_EQ(choice.point, 1u);
  EXPECT_NEAR(choice.boost_ms, 22, 1e-9);
  EXPECT_NEAR(choice.expected_ms, 20, 1e-9) << "the usual frame is there before";
  EXPECT_NEAR(choice.energy_mj, 10, 1e-9);
  EXPECT_NEAR(end_of_frame(application.options[0], all_points()[0], choice, 1.3), 24, 1e-9);
  // A boost before the usual frame's end costs the rest of it at the highest point: x + (1.3 - x / 20) * 10 = 22.
  ManagedApplication dear = application;
  dear.options[0].busy_w = {9, 0.5, 2.0};
  const FrameChoice early = choose(dear, within(22, 0, 0.1));
  EXPECT_EQ(early.point, 1u);
  EXPECT_NEAR(early.boost_ms, 18, 1e-9);
  EXPECT_NEAR(early.expected_ms, 18 + 1, 1e-9);
  EXPECT_NEAR(early.energy_mj, 18 * 0.5 + 1 * 2.0, 1e-9);
}

TEST(FrameChoice, SoftTimeIsForFramesOneAndAHalfDeviationsLonger) {
  const ManagedApplication application = largest_alone();
  FrameNeed need = within(1000, 0, 0.1);
  need.soft_ms = 22;  // x + (1.164 - x / 20) * 10 = 22
  const FrameChoice choice = choose(application, need);
  EXPECT_EQ(choice.point, 1u);
  EXPECT_NEAR(choice.boost_ms, 2 * (22 - 11.64), 1e-9);
  // Where the soft time is out of reach, the hard one counts.
  need.soft_ms = 5;
  need.hard_ms = 100;
  EXPECT_EQ(choose(application, need).point, 0u);
  EXPECT_TRUE(choose(application, need).met);
}

TEST(FrameChoice, WhateverTheTablesALongFrameIsInTime) {
  std::mt19937 random(3);
  const auto uniform = [&](double low, double high) {
    return std::uniform_real_distribution<double>(low, high)(random);
  };
  int met = 0, boosted = 0;
  for (int trial = 0; trial < 5000; ++trial) {
    ManagedApplication application;
    application.members = {{"m", 0.7}};
    ManagedOption option{0, 0, 1, {}, {}};
    double ms = uniform(5, 100), watts = uniform(0.05, 0.5);
    for (int point = 0; point < 5; ++point) {
      option.ms.push_back(ms);
      option.busy_w.push_back(watts);
      ms *= uniform(0.5, 1);
      watts *= uniform(1, 2.5);
    }
    application.options = {option};
    const std::vector<ProcessorOffer> offers = {{1, 0, 4, {0, 0, 0, 0, 0}, uniform(0, 2), true}};
    FrameNeed need = within(uniform(5, 100), 0, uniform(0, 0.2));
    need.soft_ms = need.hard_ms * uniform(0.5, 1);
    const FrameChoice choice = choose(application, need, offers);
    if (!choice.met) continue;
    ++met;
    boosted += choice.boost_ms > 0;
    const double work = 1 + 3 * need.deviation;
    EXPECT_LE(end_of_frame(option, offers[0], choice, work), need.hard_ms + 1e-9) << trial;
    // The expected time leaves out that the boost takes its time as well.
    EXPECT_LE(end_of_frame(option, offers[0], choice, 1), choice.expected_ms + offers[0].delay_ms + 1e-9) << trial;
    EXPECT_GE(end_of_frame(option, offers[0], choice, 1), choice.expected_ms - 1e-9) << trial;
  }
  EXPECT_GT(met, 1000);
  EXPECT_GT(boosted, 1000);
}

TEST(FrameChoice, TheFloorIsKeptWhileThatCanBeInTime) {
  const ManagedApplication application = three_members();
  EXPECT_EQ(choose(application, within(100, 0)).option, 0u) << "the smallest takes least";
  EXPECT_EQ(choose(application, within(100, 0.55)).option, 1u);
  EXPECT_EQ(choose(application, within(100, 0.7)).option, 2u);
  EXPECT_EQ(choose(application, within(10, 0.7)).option, 2u);
}

TEST(FrameChoice, WhatIsDoneWithoutAnAccurateEnoughOptionThatSurelyIs) {
  const ManagedApplication application = three_members();
  // 10 ms on average, 13 with three deviations: likelier in time than not.
  const FrameChoice likely = choose(application, within(12, 0.7, 0.1));
  EXPECT_EQ(likely.option, 2u);
  EXPECT_EQ(likely.point, 2u);
  EXPECT_FALSE(likely.met);
  // Less likely than not: the most accurate that surely is; 8 * 1.3 = 10.4 is not, 5 * 1.3 is.
  EXPECT_EQ(choose(application, within(9.9, 0.7, 0.1)).option, 0u);
  EXPECT_EQ(choose(application, within(9.9, 0.7, 0.05)).option, 1u);
  EXPECT_TRUE(choose(application, within(9.9, 0.7, 0.05)).met);
  // None at all: the fastest.
  const FrameChoice late = choose(application, within(2, 0.7, 0.1));
  EXPECT_EQ(late.option, 0u);
  EXPECT_EQ(late.point, 2u);
  EXPECT_NEAR(late.expected_ms, 5, 1e-9);
  EXPECT_FALSE(late.met);
}

TEST(FrameChoice, PrefersAccuracyWhereThatIsAsked) {
  const ManagedApplication application = three_members();
  FrameNeed need = within(100);
  need.prefer_accuracy = true;
  EXPECT_EQ(choose(application, need).option, 2u);
  EXPECT_EQ(choose(application, need).point, 0u) << "of its points the one of least energy";
  need.soft_ms = need.hard_ms = 9;
  EXPECT_EQ(choose(application, need).option, 1u);
}

TEST(FrameChoice, NoFrameTakesMoreThanItsEnergy) {
  const ManagedApplication application = three_members();
  FrameNeed need = within(100);
  need.prefer_accuracy = true;
  need.energy_mj = 7;  // of 8, 6.4, 4 at the lowest point
  const FrameChoice choice = choose(application, need);
  EXPECT_EQ(choice.option, 1u);
  EXPECT_LE(choice.energy_mj, 7);
  need.energy_mj = 9;
  EXPECT_EQ(choose(application, need).option, 2u);
  // Out of reach it is missed by as little as can be, in time and above the floor.
  need.energy_mj = 3;
  need.accuracy = 0.55;
  EXPECT_EQ(choose(application, need).option, 1u);
  EXPECT_NEAR(choose(application, need).energy_mj, 6.4, 1e-9);
  // Rather by the deadline than by the time it should be there, where that saves enough.
  need = within(100);
  need.soft_ms = 6;
  need.energy_mj = 5;
  EXPECT_NEAR(choose(application, need).energy_mj, 4, 1e-9);
}

TEST(FrameChoice, OnlyCoresAndPointsThatAreOffered) {
  ManagedApplication application = largest_alone();
  application.options.push_back({2, 0, 2, {22, 11, 5.5}, {0.2, 0.5, 2.0}});  // two cores: better everywhere
  std::vector<ProcessorOffer> offers = all_points();
  offers[0].cores = 2;
  EXPECT_EQ(choose(application, within(100), offers).option, 1u);
  EXPECT_EQ(choose(application, within(100)).option, 0u) << "one core is free";
  offers[0].lowest = 1;
  EXPECT_EQ(choose(application, within(100), offers).point, 1u);
  offers[0].lowest = 0;
  offers[0].highest = 1;  // heat
  EXPECT_EQ(choose(application, within(10), offers).point, 1u);
  EXPECT_FALSE(choose(application, within(10), offers).met);
}

TEST(FrameChoice, WithoutAnyCoreTheFirstAndNotMet) {
  std::vector<ProcessorOffer> offers = all_points();
  offers[0].cores = 0;
  const FrameChoice choice = choose(three_members(), within(100), offers);
  EXPECT_FALSE(choice.met);
  EXPECT_EQ(choice.option, 0u);
  EXPECT_EQ(choice.expected_ms, kInfinite);
}

TEST(FrameChoice, TimesAreThoseLearntAndAnOraclesOfThisFrame) {
  const ManagedApplication application = largest_alone();
  WorkEstimate slow(1);
  for (int i = 0; i < 20; ++i) slow.observe(0, 2);
  EXPECT_NEAR(choose_for_frame(application, slow, all_points(), within(1000), 1).expected_ms, 80, 1);
  FrameNeed need = within(1000);
  need.work = 1.5;
  EXPECT_NEAR(choose(application, need).expected_ms, 60, 1e-9);
  // An option nobody has tried is given more room than the same one after many frames.
  WorkEstimate tried(1);
  for (int i = 0; i < 100; ++i) tried.observe(0, 1);
  need = within(12, 0, -1);
  EXPECT_TRUE(choose_for_frame(application, tried, all_points(), need, 1).met);
  EXPECT_FALSE(choose(application, need).met);
}

TEST(FrameChoice, WaitingTakesNoEnergy) {
  const ManagedApplication application = largest_alone();
  std::vector<ProcessorOffer> offers = all_points();
  FrameNeed need = within(1000);
  need.work = 2;
  EXPECT_NEAR(choose(application, need, offers).energy_mj, 16, 1e-9);
  offers[0].longer_is_work = false;
  EXPECT_NEAR(choose(application, need, offers).energy_mj, 8, 1e-9);
  EXPECT_NEAR(choose(application, need, offers).expected_ms, 80, 1e-9);
}

TEST(FrameChoice, AClockThatHasToChangeFirstTakesItsTime) {
  const ManagedApplication application = largest_alone();
  std::vector<ProcessorOffer> offers = all_points();
  offers[0].delay_ms = 3;
  EXPECT_NEAR(choose(application, within(100), offers).expected_ms, 43, 1e-9);
  EXPECT_FALSE(choose(application, within(12.9), offers).met);
  EXPECT_TRUE(choose(application, within(13), offers).met);
}

}  // namespace
}  // namespace limber
