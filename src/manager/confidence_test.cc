// SPDX-License-Identifier: Apache-2.0
#include "manager/confidence.h"

#include <gtest/gtest.h>

#include "manager/resource_manager.h"

namespace limber {
namespace {

void observe(ConfidenceEstimate* estimate, int member, double confidence, int times, double target) {
  for (int i = 0; i < times; ++i) estimate->observe(member, confidence, target);
}

TEST(Confidence, AMemberIsJudgedAfterSomeAnswers) {
  ConfidenceEstimate estimate(2);
  EXPECT_TRUE(estimate.enough(0, 0.9));
  observe(&estimate, 0, 0.6, 9, 0.9);
  EXPECT_TRUE(estimate.enough(0, 0.9)) << "too few to say";
  observe(&estimate, 0, 0.6, 1, 0.9);
  EXPECT_FALSE(estimate.enough(0, 0.9));
  EXPECT_TRUE(estimate.enough(0, 0.5));
  EXPECT_TRUE(estimate.enough(0, 0)) << "nothing is asked";
  EXPECT_TRUE(estimate.enough(1, 0.9));
}

TEST(Confidence, ItFollowsWhatIsSeen) {
  ConfidenceEstimate estimate(1);
  observe(&estimate, 0, 0.95, 30, 0.9);
  EXPECT_TRUE(estimate.enough(0, 0.9));
  observe(&estimate, 0, 0.6, 30, 0.9);  // the scene became hard
  EXPECT_FALSE(estimate.enough(0, 0.9));
}

TEST(Confidence, ASmallerMemberIsTriedAgainWhereALargerOneIsClearlySure) {
  ConfidenceEstimate estimate(3);
  observe(&estimate, 0, 0.5, 20, 0.9);
  observe(&estimate, 1, 0.7, 20, 0.9);
  observe(&estimate, 2, 0.92, 20, 0.9);
  EXPECT_FALSE(estimate.enough(1, 0.9)) << "2 is only just sure enough";
  observe(&estimate, 2, 0.99, 100, 0.9);
  EXPECT_TRUE(estimate.enough(1, 0.9));
}

TEST(Confidence, NonsenseIsIgnored) {
  ConfidenceEstimate estimate(1);
  for (const double wrong : {-1.0, 1.5}) observe(&estimate, 0, wrong, 20, 0.9);
  estimate.observe(7, 0.1, 0.9);
  EXPECT_TRUE(estimate.enough(0, 0.9));
}

TEST(Confidence, UnsureMembersAreBelowEveryFloor) {
  ConfidenceEstimate estimate(2);
  observe(&estimate, 0, 0.5, 20, 0.9);
  const std::vector<ManagedMember> members = sure_members({{"small", 0.8}, {"large", 0.9}}, estimate, 0.9);
  EXPECT_EQ(members[0].accuracy, -1);
  EXPECT_EQ(members[1].accuracy, 0.9);
}

// Through the manager: the cheap member answers while it is sure, the dear one where it is not, and back.
TEST(Confidence, TheManagerChoosesByIt) {
  ManagedApplication application;
  application.name = "camera";
  application.members = {{"small", 0.8}, {"large", 0.9}};
  application.options = {{0, 0, 1, {5}, {1}}, {1, 0, 1, {15}, {1}}};
  application.target.deadline_ms = 40;
  application.target.rate_hz = 20;
  application.target.confidence = 0.8;
  ManagedProcessor cpu;
  cpu.name = "cpu";
  cpu.khz = {0};
  cpu.idle_w = {0};
  ResourceManager manager({cpu});
  manager.add(1, application, 0);
  double now_ms = 0;
  const auto play = [&](int frames, double small, double large) {
    int member = -1;
    for (int i = 0; i < frames; ++i, now_ms += 50) {
      member = manager.frame_begins(1, {now_ms, now_ms + 40, {}, 0}).member;
      const double ms = member == 0 ? 5 : 15;
      manager.frame_ends(1, {now_ms + ms, true, true, member == 0 ? small : large});
    }
    return member;
  };
  EXPECT_EQ(play(50, 0.9, 0.95), 0);
  EXPECT_EQ(play(50, 0.6, 0.82), 1) << "a hard scene";
  EXPECT_EQ(play(200, 0.9, 0.99), 0) << "an easy one again";
}

}  // namespace
}  // namespace limber
