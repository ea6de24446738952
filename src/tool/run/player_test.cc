// SPDX-License-Identifier: Apache-2.0
// Deadlines here are a minute away or already over, so that no test depends on the machine's speed.
#include "tool/run/player.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include <cerrno>

#include "network/toy_networks.h"
#include "platform/clock.h"
#include "tool/run/interrupt.h"
#include "tool/run/load_generator.h"
#include "tool/run/options.h"
#include "tool/run/timing.h"

namespace limber::tool {
namespace {

constexpr int64_t kImages = 30;

class PlayerTest : public testing::Test {
 protected:
  PlayerTest() : model_(Model::build(toy::groups(true), uncached())), profile_(time_members(model_)) {
    images_.count = kImages;
    images_.height = images_.width = 12;
    images_.channels = 3;
    images_.name = "noise";
    std::mt19937 random(3);
    for (int64_t i = 0; i < kImages * 12 * 12 * 3; ++i) images_.pixels.push_back(static_cast<uint8_t>(random()));
    for (int64_t i = 0; i < kImages; ++i) images_.labels.push_back(static_cast<int32_t>(random() % 10));
    images_.classes.assign(10, "c");
    context_.members = {"1", "2", "3"};
    for (const PolicyMember& member : profile_) context_.member_image_ms.push_back(member.image_ms);
    context_.burst = kImages;
    context_.frames = 3;
    context_.period_ms = 1;
    context_.deadline_ms = 60000;
  }
  static ModelOptions uncached() {
    ModelOptions options;
    options.use_cache = false;
    return options;
  }

  std::vector<FrameResult> play(const std::string& policy, double confidence = 0) {
    const auto source = make_data_source(images_, 3, 10);
    source->rewind(1, context_.burst);
    Player player(model_, context_, profile_, confidence);
    std::vector<FrameResult> frames;
    player.play(*make_policies(policy, profile_, true)[0], *source,
                [&](FrameResult& frame) { frames.push_back(frame); });
    return frames;
  }

  // What `member` answers to the images in the order of seed 1.
  std::vector<int32_t> answers(int member) {
    const auto source = make_data_source(images_, 3, 10);
    source->rewind(1, kImages);
    Burst burst;
    source->next(&burst);
    Session session(model_);
    session.select(member);
    std::vector<float> values(kImages * 10);
    session.infer({kImages, burst.pixels, {}}, values);
    std::vector<int32_t> tops;
    for (auto at = values.begin(); at != values.end(); at += 10)
      tops.push_back(static_cast<int32_t>(std::max_element(at, at + 10) - at));
    return tops;
  }

  std::shared_ptr<const Model> model_;
  std::vector<PolicyMember> profile_;
  Images images_;
  RunContext context_;
};

std::vector<int32_t> given(const FrameResult& frame) {
  std::vector<int32_t> answers;
  for (const ImageResult& image : frame.images) answers.push_back(image.answer);
  return answers;
}

TEST_F(PlayerTest, ProfilesEveryMember) {
  ASSERT_EQ(profile_.size(), 3u);
  EXPECT_EQ(profile_[2].name, "3");
  for (const PolicyMember& member : profile_) EXPECT_GT(member.image_ms, 0);
}

TEST_F(PlayerTest, StaticAnswersAreTheMembers) {
  const std::vector<FrameResult> frames = play("static:2");
  ASSERT_EQ(frames.size(), 3u);
  EXPECT_EQ(given(frames[0]), answers(1));
  for (const FrameResult& frame : frames) {
    EXPECT_TRUE(frame.met);
    EXPECT_FALSE(frame.skipped);
    EXPECT_EQ(frame.answered(), kImages);
    EXPECT_GE(frame.start, frame.arrival);
    EXPECT_GT(frame.end, frame.start);
    for (const ImageResult& image : frame.images) {
      EXPECT_EQ(image.member, 1);
      EXPECT_GT(image.confidence, 0.1f - 1e-6f);
      EXPECT_LE(image.confidence, 1);
      EXPECT_EQ(frame.reasons[static_cast<std::size_t>(image.reason)], "fixed member");
    }
  }
  EXPECT_EQ(frames[1].arrival - frames[0].arrival, 1'000'000);
}

TEST_F(PlayerTest, AnytimeWithTimeIsTheLargestMember) {
  for (const FrameResult& frame : play("anytime")) {
    EXPECT_TRUE(frame.met);
    EXPECT_EQ(given(frame), answers(2));
    for (const ImageResult& image : frame.images) EXPECT_EQ(image.member, 2);
    EXPECT_EQ(frame.reasons, (std::vector<std::string>{"exit 3 of 3: complete"}));
  }
}

TEST_F(PlayerTest, AnytimeStopsOnceItIsSure) {
  const std::vector<int32_t> first = answers(0);
  for (const FrameResult& frame : play("anytime", 0.1)) {  // ten classes: every answer is that sure
    EXPECT_TRUE(frame.met);
    EXPECT_EQ(given(frame), first);
    EXPECT_EQ(frame.reasons, (std::vector<std::string>{"exit 1 of 3: confidence is at least 0.1"}));
  }
  const FrameResult some = play("anytime", 0.5)[0];
  for (const ImageResult& image : some.images) EXPECT_TRUE(image.confidence >= 0.5f || image.member == 2);
}

TEST_F(PlayerTest, DynamicAnswersEveryImage) {
  for (const FrameResult& frame : play("dynamic")) {
    EXPECT_TRUE(frame.met);
    EXPECT_EQ(frame.answered(), kImages);
    EXPECT_EQ(given(frame), answers(2));  // a minute is enough for the largest
  }
}

TEST_F(PlayerTest, AFrameWhoseDeadlineIsOverIsSkipped) {
  context_.deadline_ms = 0;
  for (const std::string policy : {"static:1", "dynamic", "anytime"}) {
    for (const FrameResult& frame : play(policy)) {
      EXPECT_TRUE(frame.skipped);
      EXPECT_FALSE(frame.met);
      EXPECT_EQ(frame.answered(), 0);
      EXPECT_EQ(frame.right(), 0);
      EXPECT_EQ(frame.reasons[0], "skipped: its deadline had passed");
    }
  }
}

TEST_F(PlayerTest, CtrlCEndsAfterTheFrame) {
  context_.frames = 1'000'000;
  const auto source = make_data_source(images_, 3, 10);
  source->rewind(1, context_.burst);
  Player player(model_, context_, profile_, 0);
  int frames = 0;
  {
    const InterruptGuard guard;
    player.play(*make_policies("static:1", profile_, true)[0], *source, [&](FrameResult&) {
      if (++frames == 2) raise(SIGINT);
    });
    EXPECT_EQ(interrupted(), SIGINT);
  }
  EXPECT_EQ(frames, 2);
  const InterruptGuard again;  // a new run begins without the old wish
  EXPECT_EQ(interrupted(), 0);
}

TEST(LoadedFrames, AreTheMiddleThirdOrThoseNamed) {
  RunContext context;
  context.load = 1;
  EXPECT_FALSE(context.loaded(0));
  context.frames = 9;
  for (int64_t frame = 0; frame < 9; ++frame) EXPECT_EQ(context.loaded(frame), frame >= 3 && frame < 6);
  context.load_from = 1;
  context.load_to = 8;
  for (int64_t frame = 0; frame < 9; ++frame) EXPECT_EQ(context.loaded(frame), frame >= 1 && frame < 8);
  context.load = 0;
  EXPECT_FALSE(context.loaded(4));
}

TEST(LoadGenerator, ItsProcessesEndWithIt) {
  {
    LoadGenerator load(3, {{now_ns() + 60'000'000'000, now_ns() + 120'000'000'000}});
    EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), 0);  // there are children, and they run
  }
  EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1);
  EXPECT_EQ(errno, ECHILD);
}

}  // namespace
}  // namespace limber::tool
