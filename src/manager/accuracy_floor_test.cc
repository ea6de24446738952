// SPDX-License-Identifier: Apache-2.0
#include "manager/accuracy_floor.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace limber {
namespace {

// The middle one is worse than the one before it, as it happens in families that were not searched.
const std::vector<PolicyMember> kMembers = {{"A", 1, 0.70}, {"B", 2, 0.86}, {"C", 3, 0.84}, {"D", 4, 0.90}};

std::string refusal(const std::string& name, const std::vector<PolicyMember>& members, double floor) {
  try {
    make_policy(name, members, floor);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(AccuracyFloor, KeepsTheMembersThatReachIt) {
  const struct {
    double floor;
    std::vector<int> members;
  } cases[] = {{0.5, {0, 1, 2, 3}}, {0.70, {0, 1, 2, 3}}, {0.71, {1, 2, 3}}, {0.85, {1, 3}}, {0.90, {3}}};
  for (const auto& c : cases) EXPECT_EQ(members_above(kMembers, c.floor), c.members) << c.floor;
  EXPECT_EQ(members_above({{"A", 1, -1}, {"B", 2, 0.9}}, 0.1), std::vector<int>{1});  // unknown is not above
}

TEST(AccuracyFloor, NoMemberBelowIsChosenHoweverLateItGets) {
  for (const char* name : {"dynamic", "dynamic-ofa"}) {
    const auto policy = make_policy(name, kMembers, 0.85);
    std::string reason;
    for (int frame = 0; frame < 200; ++frame) {
      int previous = -1;
      for (int64_t left = 10; left > 0; --left) {
        const Decision decision = policy->decide({left, 1, 0, 0, 0.5, previous});
        EXPECT_TRUE(decision.member == 1 || decision.member == 3) << name << " chose " << decision.member;
        previous = decision.member;
        reason = decision.reason;
      }
      policy->report({0.7, 40, false});
    }
    EXPECT_EQ(policy->decide({10, 1, 0, 0, 0.5, -1}).member, 1) << name;
    EXPECT_NE(reason.find("accuracy floor of 0.85"), std::string::npos) << reason;
  }
}

TEST(AccuracyFloor, LargestWhereThereIsTime) {
  const auto policy = make_policy("dynamic", kMembers, 0.85);
  EXPECT_EQ(policy->decide({1, 1, 0, 0, 1000, -1}).member, 3);
}

TEST(AccuracyFloor, WhatCannotKeepItIsRefused) {
  EXPECT_NE(refusal("static:A", kMembers, 0.85).find("legal: static:B, static:D"), std::string::npos);
  EXPECT_NE(refusal("anytime", kMembers, 0.85).find("accuracy floor of 0.85"), std::string::npos);
  EXPECT_NE(refusal("dynamic", kMembers, 0.95).find("D 0.9000"), std::string::npos);
  EXPECT_NE(refusal("dynamic", {{"A", 1}}, 0.5).find("known accuracies: none"), std::string::npos);
  EXPECT_EQ(make_policy("static:A", kMembers, 0)->decide({}).member, 0);
  EXPECT_EQ(make_policy("static:D", kMembers, 0.85)->decide({}).member, 3);
}

}  // namespace
}  // namespace limber
