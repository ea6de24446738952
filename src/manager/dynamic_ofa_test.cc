// SPDX-License-Identifier: Apache-2.0
// The demo's rule as a truth table; a constraint of 60 ms, as in its Fig. 7.
#include "manager/dynamic_ofa.h"

#include <gtest/gtest.h>

namespace limber {
namespace {

constexpr double kConstraint = 60;
const std::vector<PolicyMember> kLevels = {{"L1", 20}, {"L2", 30}, {"L3", 40}, {"L4", 50}};

class DynamicOfa : public testing::Test {
 protected:
  // One frame that takes this long; the level that answered it.
  int frame(double ms) {
    const int level = policy_->decide({1, 1, 0, 0, kConstraint, -1}).member;
    policy_->report({ms, 0, ms <= kConstraint});
    return level;
  }
  int frames(int count, double ms) {
    for (int i = 0; i < count; ++i) frame(ms);
    return level();
  }
  int level() { return policy_->decide({1, 1, 0, 0, kConstraint, -1}).member; }

  std::unique_ptr<Policy> policy_ = make_dynamic_ofa(kLevels);
};

TEST_F(DynamicOfa, TheFirstTwentyOfALevelAreIgnored) {
  EXPECT_EQ(level(), 3);
  EXPECT_EQ(frames(20, 80), 3);
  EXPECT_EQ(frames(20, 50), 3);
}

TEST_F(DynamicOfa, AMeanAboveTheConstraintIsALevelDown) {
  frames(20, 50);
  EXPECT_EQ(frames(19, 61), 3);
  EXPECT_EQ(frame(61), 3);
  EXPECT_EQ(level(), 2);
  EXPECT_EQ(frames(39, 61), 2);  // 20 to ignore and 20 to judge by, again
  EXPECT_EQ(frames(1, 61), 1);
}

TEST_F(DynamicOfa, ExactlyTheConstraintIsMet) {
  EXPECT_EQ(frames(200, 60), 3);
}

TEST_F(DynamicOfa, TheMeanIsOfTheLastTwenty) {
  frames(20, 50);
  EXPECT_EQ(frames(100, 30), 3);
  EXPECT_EQ(frames(13, 75), 3);  // 7 of 30 and 13 of 75: 59.25
  EXPECT_EQ(frames(1, 75), 2);   // 61.5
}

TEST_F(DynamicOfa, OutliersCountForNothing) {
  frames(40, 50);
  EXPECT_EQ(frames(500, 90), 3);
  EXPECT_EQ(frames(20, 89), 2);
}

TEST_F(DynamicOfa, TheSmallestLevelIsTheBestEffort) {
  EXPECT_EQ(frames(120, 80), 0);
  frames(100, 80);
  EXPECT_EQ(level(), 0);
  EXPECT_NE(policy_->decide({1, 1, 0, 0, kConstraint, -1}).reason.find("best effort"), std::string::npos);
}

TEST_F(DynamicOfa, LevelsStepDownUnderLoadAndRecover) {
  double slowdown = 1;
  const auto play = [&](int count) {
    for (int i = 0; i < count; ++i) frame(kLevels[static_cast<std::size_t>(level())].image_ms * slowdown);
    return level();
  };
  EXPECT_EQ(play(100), 3);
  slowdown = 1.7;  // 85, 68, 51, 34 ms
  EXPECT_EQ(play(200), 1);
  EXPECT_EQ(play(1000), 1) << "no oscillation while the load stays";
  slowdown = 1;
  EXPECT_EQ(play(200), 3);
}

// From L3 (40) with a mean of m, L4 is expected to take 1.25 m.
TEST_F(DynamicOfa, ALevelThatWasJustLeftNeedsATenthToSpare) {
  const struct {
    double mean;
    int level;
  } cases[] = {{48, 2}, {44, 2}, {43.3, 2}, {43.1, 3}, {30, 3}};  // 1.25 * 43.2 is nine tenths of 60
  for (const auto& c : cases) {
    policy_ = make_dynamic_ofa(kLevels);
    frames(20, 50);
    ASSERT_EQ(frames(20, 61), 2);
    EXPECT_EQ(frames(40, c.mean), c.level) << c.mean;
  }
}

// L4 to L3 to L2 to L1: the last two that were left are L2 and L3, so L2 needs a tenth to spare, and so does L3, but
// not L4, once L1 and L2 are what was left last.
TEST_F(DynamicOfa, OnlyTheLastTwoLevelsAreRemembered) {
  EXPECT_EQ(frames(120, 61), 0);
  EXPECT_EQ(frames(40, 36.5), 0);  // to L2: 54.75 of 54
  EXPECT_EQ(frames(20, 35.9), 1);  // 53.85
  EXPECT_EQ(frames(40, 40), 2);    // 53.3; left last: L1, L2
  EXPECT_EQ(frames(40, 47.9), 3);  // 59.9 of 60: L4 was left long ago
}

}  // namespace
}  // namespace limber
