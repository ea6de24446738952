// SPDX-License-Identifier: Apache-2.0
// Session::advance: exits image by image, in the caller's order.
#include <gtest/gtest.h>

#include <random>

#include "base/counted_allocations.h"
#include "base/error.h"
#include "network/session.h"
#include "network/toy_networks.h"

namespace limber {
namespace {

constexpr int64_t kImages = 5;
constexpr std::size_t kOutputs = 10;

class Advance : public testing::TestWithParam<bool> {
 protected:
  Advance() : pixels_(static_cast<std::size_t>(kImages * 12 * 12 * 3)) {
    ModelOptions options;
    options.use_cache = false;
    model_ = Model::build(toy::groups(GetParam()), options);
    std::mt19937 random(5);
    for (uint8_t& pixel : pixels_) pixel = static_cast<uint8_t>(random());
    SessionOptions settings;
    settings.anytime = true;
    settings.max_images = kImages;
    session_ = std::make_unique<Session>(model_, settings);
  }
  Batch batch() const { return {kImages, pixels_, {}}; }
  std::vector<float> member_answer(int64_t image, int member) {
    Session session(model_);
    session.select(member);
    const std::size_t size = pixels_.size() / kImages;
    std::vector<float> answer(kOutputs);
    session.infer({1, std::span(pixels_).subspan(static_cast<std::size_t>(image) * size, size), {}}, answer);
    return answer;
  }

  std::vector<uint8_t> pixels_;
  std::shared_ptr<const Model> model_;
  std::unique_ptr<Session> session_;
};

TEST_P(Advance, AnyOrderOfImagesGivesTheMembersAnswers) {
  ASSERT_EQ(model_->exits(), 3);
  std::vector<float> answer(kOutputs);
  std::vector<int> next(kImages, 0);
  for (const int64_t image : {4, 0, 4, 2, 2, 2, 1, 3, 4, 0, 1, 1, 3, 0, 3}) {
    int& exit = next[static_cast<std::size_t>(image)];
    ASSERT_TRUE(session_->advance(batch(), image, exit, answer));
    EXPECT_EQ(answer, member_answer(image, exit)) << "image " << image << " exit " << exit;
    ++exit;
  }
  const int64_t before = counted_allocations();
  session_->advance(batch(), 0, 0, answer);
  EXPECT_EQ(counted_allocations(), before);
}

TEST_P(Advance, ExitsOutOfOrderAreRefused) {
  std::vector<float> answer(kOutputs), few(3);
  EXPECT_THROW(session_->advance(batch(), 0, 1, answer), Error);
  EXPECT_THROW(session_->advance(batch(), kImages, 0, answer), Error);
  EXPECT_THROW(session_->advance(batch(), -1, 0, answer), Error);
  EXPECT_THROW(session_->advance(batch(), 0, 0, few), Error);
  for (int exit = 0; exit < 3; ++exit) EXPECT_TRUE(session_->advance(batch(), 0, exit, answer));
  EXPECT_THROW(session_->advance(batch(), 0, 3, answer), Error);
  EXPECT_THROW(session_->advance(batch(), 0, 2, answer), Error);
}

TEST_P(Advance, AnAbandonedExitLeavesTheAnswerAndStartsAnew) {
  std::vector<float> answer(kOutputs);
  ASSERT_TRUE(session_->advance(batch(), 2, 0, answer));
  const std::vector<float> first = answer;
  int checks = 0;
  EXPECT_FALSE(session_->advance(batch(), 2, 1, answer, [&] { return ++checks < 2; }));
  EXPECT_EQ(answer, first);
  EXPECT_THROW(session_->advance(batch(), 2, 1, answer), Error);
  for (int exit = 0; exit < 3; ++exit) ASSERT_TRUE(session_->advance(batch(), 2, exit, answer));
  EXPECT_EQ(answer, member_answer(2, 2));
}

INSTANTIATE_TEST_SUITE_P(Wirings, Advance, testing::Bool(),
                         [](const auto& toy) { return toy.param ? "nested" : "independent"; });

}  // namespace
}  // namespace limber
