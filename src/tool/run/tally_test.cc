// SPDX-License-Identifier: Apache-2.0
#include "tool/run/tally.h"

#include <gtest/gtest.h>

#include "tool/run/test_run.h"

namespace limber::tool {
namespace {

TEST(Tally, CountsWhatCounts) {
  Tally tally("dynamic", 2);
  tally.add(test_frame(2, 0, true, 1, 2, 10));
  tally.add(test_frame(2, 1, true, 0, 1, 20));
  tally.add(test_frame(2, 2, false, 1, 2, 60));  // late: right, but not in time
  tally.add(skipped_frame(2, 3));
  EXPECT_EQ(tally.frames[0], 2);
  EXPECT_EQ(tally.frames[1], 2);
  EXPECT_EQ(tally.all_met(), 2);
  EXPECT_EQ(tally.met[1], 0);
  EXPECT_EQ(tally.skipped, 1);
  EXPECT_DOUBLE_EQ(tally.top1_in_time(), 3.0 / 8);   // of all images
  EXPECT_DOUBLE_EQ(tally.top1_answered(), 5.0 / 6);  // of the answered ones
  EXPECT_DOUBLE_EQ(tally.mean_ms(), 30);             // a skipped frame has no latency
  EXPECT_DOUBLE_EQ(tally.mean_confidence(), 0.625);
  EXPECT_EQ(tally.by_member, (std::vector<int64_t>{2, 4}));
  EXPECT_EQ(tally.last_reason, "because");
}

TEST(Tally, PartsOfABurstCount) {
  Tally tally("anytime", 2);
  FrameResult frame = test_frame(2, 0, false, 1, 2);
  frame.images[1] = {};
  tally.add(frame);
  EXPECT_EQ(tally.answered, 1);
  EXPECT_EQ(tally.right_answered, 1);
  EXPECT_EQ(tally.right_in_time, 0);  // the frame as a whole missed its deadline
}

TEST(Tally, P99IsAnObservedValue) {
  Tally tally("dynamic", 2);
  EXPECT_EQ(tally.p99_ms(), 0);
  for (int i = 1; i <= 100; ++i) tally.add(test_frame(0, i, true, 0, 0, i));
  EXPECT_DOUBLE_EQ(tally.p99_ms(), 99);
  EXPECT_DOUBLE_EQ(tally.mean_ms(), 50.5);
}

TEST(Tally, NothingIsZero) {
  const Tally tally("dynamic", 2);
  EXPECT_EQ(tally.mean_ms(), 0);
  EXPECT_EQ(tally.top1_in_time(), 0);
  EXPECT_EQ(tally.top1_answered(), 0);
  EXPECT_EQ(tally.mean_confidence(), 0);
  EXPECT_EQ(share(0, 0), 0);
}

TEST(BestStatic, ByRightAnswersInTime) {
  RunContext context = test_context();
  std::vector<Tally> tallies = {Tally("static:25%", 2), Tally("static:100%", 2), Tally("dynamic", 2)};
  EXPECT_EQ(best_static(tallies, context), -1);
  tallies[0].add(test_frame(0, 0, true, 0, 1));
  tallies[1].add(test_frame(1, 0, false, 1, 2));
  tallies[2].add(test_frame(2, 0, true, 1, 2));
  EXPECT_EQ(best_static(tallies, context), 0);
  tallies[1].add(test_frame(1, 1, true, 1, 2));
  tallies[1].add(test_frame(1, 2, true, 1, 2));
  EXPECT_EQ(best_static(tallies, context), 1);
  context.labelled = false;
  EXPECT_EQ(best_static(tallies, context), -1);
}

}  // namespace
}  // namespace limber::tool
