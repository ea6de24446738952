// SPDX-License-Identifier: Apache-2.0
#include "manager/policy.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace limber {
namespace {

const std::vector<PolicyMember> kMembers = {{"25%", 0.04}, {"50%", 0.07}, {"100%", 0.11}};

// Plays frames of 100 images in parts of 4 in virtual time with a constant slowdown; true if the deadline was met.
bool play(Policy& policy, double slowdown, double deadline_ms = 33, int* last = nullptr) {
  double elapsed = 0, done = 0;
  int previous = -1;
  for (int64_t image = 0; image < 100; image += 4) {
    const Decision decision = policy.decide({100 - image, 4, elapsed, done, deadline_ms - elapsed, previous});
    EXPECT_FALSE(decision.reason.empty());
    previous = decision.member;
    if (decision.give_up) {
      EXPECT_GT(elapsed, deadline_ms);
      break;
    }
    const double work = 4 * kMembers[static_cast<size_t>(previous)].image_ms;
    done += work;
    elapsed += work * slowdown;
  }
  policy.report({elapsed, done, elapsed <= deadline_ms});
  if (last) *last = previous;
  return elapsed <= deadline_ms;
}

TEST(Policy, UnknownNamesListTheLegalOnes) {
  try {
    make_policy("static:60%", kMembers);
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("static:50%, static:100%, dynamic, dynamic-ofa, anytime"),
              std::string::npos);
  }
  EXPECT_THROW(make_policy("dynamic", {}), Error);
}

TEST(Policy, StaticStays) {
  const auto policy = make_policy("static:50%", kMembers);
  EXPECT_TRUE(play(*policy, 1));
  EXPECT_FALSE(play(*policy, 8));
  EXPECT_EQ(policy->decide({}).member, 1);
}

TEST(Policy, DynamicMeetsTheFirstLoadedFrameAndComesBackAfterThreeFrames) {
  const auto policy = make_policy("dynamic", kMembers);
  int member = -1;
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(play(*policy, 1, 33, &member));
  EXPECT_EQ(member, 2);
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(play(*policy, 6, 33, &member)) << "loaded frame " << i;
  EXPECT_LT(member, 2);
  int frames = 0;
  for (; frames < 20 && member < 2; ++frames) EXPECT_TRUE(play(*policy, 1, 33, &member));
  EXPECT_GE(frames, 3);
  EXPECT_EQ(member, 2);
}

TEST(Policy, ASlowFrameWithAmpleTimeStaysLarge) {
  const auto policy = make_policy("dynamic", kMembers);
  for (int i = 0; i < 10; ++i) play(*policy, 1);
  int member = -1;
  EXPECT_TRUE(play(*policy, 40, 60000, &member));
  EXPECT_EQ(member, 2);
}

TEST(Policy, DynamicTakesTheSmallestWhenNothingFits) {
  const auto policy = make_policy("dynamic", kMembers);
  int member = -1;
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(play(*policy, 20, 33, &member));
  EXPECT_EQ(member, 0);
}

TEST(Policy, TheSameInputsGiveTheSameDecisions) {
  const auto a = make_policy("dynamic", kMembers), b = make_policy("dynamic", kMembers);
  for (int i = 0; i < 60; ++i) {
    int of_a = -1, of_b = -1;
    const double slowdown = 1 + (i * 7 % 5);
    play(*a, slowdown, 33, &of_a);
    play(*b, slowdown, 33, &of_b);
    EXPECT_EQ(of_a, of_b);
  }
}

TEST(Policy, AnytimeRunsTheExitPlan) {
  const Decision decision = make_policy("anytime", kMembers)->decide({});
  EXPECT_TRUE(decision.anytime);
  EXPECT_EQ(decision.member, 2);
}

}  // namespace
}  // namespace limber
