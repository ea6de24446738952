// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "limber/limber.h"

namespace {

const std::string kModel = LIMBER_MODELS "/fashion-incremental.safetensors";

class CApi : public testing::Test {
 protected:
  void SetUp() override {
    model_ = limber_model_open(kModel.c_str(), nullptr);
    ASSERT_NE(model_, nullptr) << limber_last_error();
    session_ = limber_session_open(model_);
    ASSERT_NE(session_, nullptr) << limber_last_error();
    largest_ = limber_model_members(model_) - 1;
    pixels_.assign(limber_model_height(model_, largest_) * limber_model_width(model_, largest_) *
                       limber_model_channels(model_, largest_),
                   100);
    answers_.assign(limber_model_outputs(model_, largest_), -1.0f);
  }
  void TearDown() override {
    limber_model_free(model_);
    limber_session_free(session_);
  }
  limber_status infer() {
    return limber_infer_pixels(session_, 1, pixels_.data(), pixels_.size(), answers_.data(), answers_.size());
  }

  limber_model* model_ = nullptr;
  limber_session* session_ = nullptr;
  int largest_ = 0;
  std::vector<uint8_t> pixels_;
  std::vector<float> answers_;
};

TEST_F(CApi, EveryMemberAnswersAsItsExit) {
  std::vector<std::vector<float>> answers;
  for (int member = 0; member <= largest_; ++member) {
    ASSERT_EQ(limber_session_set(session_, "member", limber_model_member_name(model_, member)), LIMBER_OK);
    EXPECT_EQ(limber_session_member(session_), member);
    ASSERT_EQ(infer(), LIMBER_OK) << limber_last_error();
    answers.push_back(answers_);
  }
  ASSERT_EQ(limber_session_set(session_, "anytime_images", "1"), LIMBER_OK) << limber_last_error();
  struct Seen {
    const std::vector<float>* now;
    std::vector<std::vector<float>> all;
  } seen{&answers_, {}};
  int exits = 0;
  ASSERT_EQ(limber_infer_anytime(
                session_, 1, pixels_.data(), pixels_.size(), answers_.data(), answers_.size(),
                [](int, void* user) {
                  auto* s = static_cast<Seen*>(user);
                  s->all.push_back(*s->now);
                  return 1;
                },
                &seen, &exits),
            LIMBER_OK)
      << limber_last_error();
  EXPECT_EQ(exits, largest_ + 1);
  EXPECT_EQ(seen.all, answers);
}

TEST_F(CApi, ImagesOfAnySizeAreResized) {
  const auto side = static_cast<std::size_t>(limber_model_height(model_, 0));
  const std::size_t channels = pixels_.size() / side / side;
  const std::vector<uint8_t> flat(side * side * channels, 90), larger((side + 9) * (side + 4) * channels, 90);
  ASSERT_EQ(limber_infer_pixels(session_, 1, flat.data(), flat.size(), answers_.data(), answers_.size()), LIMBER_OK);
  const std::vector<float> expected = answers_;
  const auto infer_larger = [&] {
    std::fill(answers_.begin(), answers_.end(), 0.0f);
    return limber_infer_pixels(session_, 1, larger.data(), larger.size(), answers_.data(), answers_.size());
  };
  EXPECT_EQ(infer_larger(), LIMBER_INVALID_ARGUMENT);
  const auto height = static_cast<int64_t>(side + 9), width = static_cast<int64_t>(side + 4);
  ASSERT_EQ(limber_session_set_image_size(session_, height, width), LIMBER_OK) << limber_last_error();
  ASSERT_EQ(infer_larger(), LIMBER_OK) << limber_last_error();
  EXPECT_EQ(answers_, expected);                                              // of one colour, whatever its size
  ASSERT_EQ(limber_session_set(session_, "anytime_images", "1"), LIMBER_OK);  // makes the memory anew
  ASSERT_EQ(infer_larger(), LIMBER_OK) << limber_last_error();
  EXPECT_EQ(answers_, expected);
  EXPECT_EQ(limber_session_set_image_size(session_, height, -1), LIMBER_INVALID_ARGUMENT);
  ASSERT_EQ(infer_larger(), LIMBER_OK) << "a size that was refused changes nothing";
  ASSERT_EQ(limber_session_set_image_size(session_, 0, 0), LIMBER_OK);
  EXPECT_EQ(infer_larger(), LIMBER_INVALID_ARGUMENT);
}

TEST_F(CApi, MisuseIsAStatusAndSaysWhatIsLegal) {
  EXPECT_EQ(limber_session_set(session_, "member", "37%"), LIMBER_INVALID_ARGUMENT);
  EXPECT_NE(std::string(limber_last_error()).find(limber_model_member_name(model_, 0)), std::string::npos);
  EXPECT_EQ(limber_session_set(session_, "speed", "1"), LIMBER_INVALID_ARGUMENT);
  EXPECT_NE(std::string(limber_last_error()).find("cores"), std::string::npos);
  EXPECT_EQ(limber_session_set(session_, "anytime_images", "-1"), LIMBER_INVALID_ARGUMENT);
  EXPECT_EQ(limber_session_set(nullptr, "member", "25%"), LIMBER_INVALID_ARGUMENT);
  pixels_.pop_back();
  EXPECT_EQ(infer(), LIMBER_INVALID_ARGUMENT);
  EXPECT_EQ(limber_infer_pixels(session_, 1, nullptr, 0, answers_.data(), answers_.size()), LIMBER_INVALID_ARGUMENT);
  EXPECT_EQ(limber_model_member_name(model_, 99), nullptr);
  EXPECT_EQ(limber_model_macs(model_, -1), -1);
}

TEST(CApiFiles, WhatIsNoModelIsRefused) {
  EXPECT_EQ(limber_model_open("/nonexistent", nullptr), nullptr);
  EXPECT_NE(std::string(limber_last_error()).find("/nonexistent"), std::string::npos);
  EXPECT_EQ(limber_model_open(nullptr, nullptr), nullptr);
  EXPECT_EQ(limber_session_open(nullptr), nullptr);
  limber_model_free(nullptr);
  limber_session_free(nullptr);
}

}  // namespace
