// SPDX-License-Identifier: Apache-2.0
// limber.hpp: what C++ programs see. The installed copy is tested by scripts/test-install.
#include "limber/limber.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <thread>

#include "base/counted_allocations.h"

namespace {

using limber::ErrorCode;
using limber::Session;

const std::string kModels = LIMBER_MODELS;

static_assert(!std::is_copy_constructible_v<limber::Model> && std::is_nothrow_move_assignable_v<limber::Model>);
static_assert(!std::is_copy_constructible_v<Session> && std::is_nothrow_move_assignable_v<Session>);

template <typename Body>
void expect_error(ErrorCode code, const std::string& says, Body&& body) {
  try {
    body();
    ADD_FAILURE() << "accepted; expected an error with '" << says << "'";
  } catch (const limber::Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    EXPECT_NE(std::string(error.what()).find(says), std::string::npos) << error.what();
  }
}

class CppApi : public testing::Test {
 protected:
  CppApi() : image_(model_.member(model_.largest()).image) {
    for (std::size_t i = 0; i < pixels_.size(); ++i) pixels_[i] = static_cast<uint8_t>(i * 73 + i / 31);
  }
  std::vector<float> member_answers(int member) {
    Session session(model_);
    session.select(member);
    std::vector<float> answers(answers_.size());
    session.infer(pixels_, answers, kImages);
    return answers;
  }

  static constexpr int64_t kImages = 3;
  limber::Model model_{kModels + "/fashion-incremental.safetensors"};
  limber::ImageSize image_;
  std::vector<uint8_t> pixels_ = std::vector<uint8_t>(static_cast<std::size_t>(kImages * image_size()));
  std::vector<float> answers_ = std::vector<float>(static_cast<std::size_t>(kImages) * 10, -1.0f);

 private:
  int64_t image_size() const { return model_.member(model_.largest()).image.values(); }
};

TEST_F(CppApi, AModelTellsWhatItIs) {
  EXPECT_EQ(model_.name(), "fashion-incremental");
  EXPECT_EQ(model_.hash().size(), 64u);
  EXPECT_FALSE(model_.isa().empty());
  ASSERT_EQ(model_.members(), 4);
  EXPECT_EQ(model_.exits(), 4);
  EXPECT_EQ(model_.find_member("75%"), 2);
  int64_t before = 0;
  for (int i = 0; i < model_.members(); ++i) {
    const limber::MemberInfo member = model_.member(i);
    EXPECT_EQ(member.choice, "groups=" + std::to_string(i + 1));
    EXPECT_GT(member.macs, before);
    before = member.macs;
    EXPECT_EQ(member.image.values(), 28 * 28);
    EXPECT_EQ(member.outputs, 10);
    ASSERT_TRUE(member.top1_test.has_value());
    EXPECT_NEAR(*member.top1_test, 0.89, 0.03);
  }
  EXPECT_FALSE(model_.label(0).empty());
  EXPECT_TRUE(model_.label(10).empty());
  const limber::MemoryInfo memory = model_.memory();
  EXPECT_GT(memory.weights, 0);
  EXPECT_LE(memory.weights + memory.per_member + memory.arena, memory.largest_alone * 106 / 100);
  EXPECT_EQ(limber::version(), limber_version());
}

TEST_F(CppApi, PixelsAndPlanesOfAnyMemberOnAnyCoresAnswerTheSame) {
  const limber::Normalisation normal = model_.normalisation(0);
  std::vector<float> planes;  // one channel: the order is that of the pixels
  for (const uint8_t pixel : pixels_) {
    planes.push_back((static_cast<float>(pixel) / 255.0f - normal.mean) / normal.deviation);
  }
  Session plain(model_);
  for (int member = 0; member < model_.members(); ++member) {
    const std::vector<float> expected = member_answers(member);
    plain.select(model_.member(member).name);
    EXPECT_EQ(plain.active(), member);
    plain.infer(planes, answers_, kImages);
    EXPECT_EQ(answers_, expected);
    Session pinned(model_, {.cores = {0}});
    pinned.select(member);
    std::vector<float> other(answers_.size());
    std::thread([&] { pinned.infer(pixels_, other, kImages); }).join();  // pins the thread that infers
    EXPECT_EQ(other, expected);
  }
}

TEST_F(CppApi, ConfidenceIsTheSoftmaxOfTheBestOutput) {
  Session session(model_);
  session.infer(pixels_, answers_, kImages);
  const std::span<const float> first = std::span(answers_).first(10);
  const limber::Best best = model_.best(first);
  EXPECT_EQ(best.output, std::max_element(first.begin(), first.end()) - first.begin());
  EXPECT_EQ(best.confidence, first[static_cast<std::size_t>(best.output)]);  // these answers are probabilities
  EXPECT_EQ(model_.best({}).output, -1);
}

TEST_F(CppApi, AnytimeAnswersAsTheMembersDoAndStopsWhenTold) {
  Session session(model_, {.anytime_images = kImages});
  int published = 0;
  EXPECT_EQ(session.infer_anytime(pixels_, answers_, kImages, Session::kNoDeadline,
                                  [&](int exit) {
                                    EXPECT_EQ(exit, published++);
                                    EXPECT_EQ(answers_, member_answers(exit)) << exit;
                                  }),
            4);
  EXPECT_EQ(published, 4);
  EXPECT_EQ(session.infer_anytime(pixels_, answers_, kImages, Session::kNoDeadline, [](int exit) { return exit < 1; }),
            2);
  EXPECT_EQ(answers_, member_answers(1));
}

TEST_F(CppApi, AnytimeKeepsToItsDeadline) {
  Session session(model_, {.anytime_images = kImages});
  const std::vector<float> untouched = answers_;
  EXPECT_EQ(session.infer_anytime(pixels_, answers_, kImages, Session::Clock::now()), 0);
  EXPECT_EQ(session.infer_anytime(pixels_, answers_, kImages, Session::Clock::time_point()), 0);
  EXPECT_EQ(answers_, untouched);
  // The deadline falls into the second exit: what the first one published stays.
  const auto deadline = Session::Clock::now() + std::chrono::seconds(1);
  EXPECT_EQ(session.infer_anytime(pixels_, answers_, kImages, deadline,
                                  [&](int) { std::this_thread::sleep_until(deadline); }),
            1);
  EXPECT_EQ(answers_, member_answers(0));
  EXPECT_EQ(session.infer_anytime(pixels_, answers_, kImages, Session::kNoDeadline), 4);
  EXPECT_EQ(answers_, member_answers(3));
}

TEST_F(CppApi, NoCallOfASessionAllocates) {
  Session session(model_, {.anytime_images = kImages});
  float sum = 0;
  const int64_t before = limber::counted_allocations();
  for (int member = 0; member < model_.members(); ++member) {
    session.select(member);
    session.infer(pixels_, answers_, kImages);
    sum += model_.best(std::span(answers_).first(10)).confidence;
  }
  const auto deadline = Session::Clock::now() + std::chrono::hours(1);
  session.infer_anytime(pixels_, answers_, kImages, deadline, [&](int) { sum += answers_[0]; });
  EXPECT_EQ(limber::counted_allocations(), before);
  EXPECT_GT(sum, 0);
}

TEST_F(CppApi, WhatPublishThrowsComesOut) {
  Session session(model_, {.anytime_images = kImages});
  EXPECT_THROW(session.infer_anytime(pixels_, answers_, kImages, Session::kNoDeadline,
                                     [](int) { throw std::out_of_range("mine"); }),
               std::out_of_range);
  EXPECT_EQ(session.infer_anytime(pixels_, answers_, kImages, Session::kNoDeadline), 4);
}

TEST_F(CppApi, HandlesMoveAndMayGoInAnyOrder) {
  const std::vector<float> expected = member_answers(0);
  auto model = std::make_unique<limber::Model>(std::move(model_));
  Session first(*model);
  model.reset();
  Session second = std::move(first);
  second.infer(pixels_, answers_, kImages);
  EXPECT_EQ(answers_, expected);
}

TEST_F(CppApi, MisuseIsThrownWithItsCodeAndWhatIsLegal) {
  Session session(model_);
  expect_error(ErrorCode::kInvalidArgument, "legal: 25%", [&] { model_.find_member("37%"); });
  expect_error(ErrorCode::kInvalidArgument, "legal: 25%", [&] { session.select("37%"); });
  expect_error(ErrorCode::kInvalidArgument, "legal: 0 to 3", [&] { session.select(4); });
  expect_error(ErrorCode::kInvalidArgument, "legal: 0 to 3", [&] { model_.member(-1); });
  expect_error(ErrorCode::kInvalidArgument, "2352", [&] { session.infer(std::span(pixels_).first(9), answers_, 3); });
  expect_error(ErrorCode::kInvalidArgument, "room for 9",
               [&] { session.infer(pixels_, std::span(answers_).first(9), 3); });
  expect_error(ErrorCode::kInvalidArgument, "anytime",
               [&] { session.infer_anytime(pixels_, answers_, kImages, Session::kNoDeadline); });
  expect_error(ErrorCode::kInvalidArgument, "legal are 0 to 4096", [&] { Session(model_, {.anytime_images = 5000}); });
  expect_error(ErrorCode::kInvalidArgument, "may use", [&] { Session(model_, {.cores = {8000}}); });
  expect_error(ErrorCode::kInvalidArgument, "legal: none", [&] { session.set_symbol("rows", 1); });
  expect_error(ErrorCode::kInvalidArgument, "1 channels", [&] { model_.normalisation(1); });
  session.reset_state();
  const std::string file = kModels + "/fashion-incremental.safetensors";
  expect_error(ErrorCode::kInvalidArgument, "legal: reference", [&] { limber::Model(file, {.isa = "mmx"}); });
}

TEST_F(CppApi, FilesThatAreNoModelsAreRefusedByName) {
  expect_error(ErrorCode::kNotFound, "/nowhere/m.safetensors", [] { limber::Model("/nowhere/m.safetensors"); });
  const std::string short_file = testing::TempDir() + "limber_short.safetensors";
  std::ifstream whole(kModels + "/fashion-incremental.safetensors", std::ios::binary);
  std::string start(1000, '\0');
  whole.read(start.data(), 1000);
  std::ofstream(short_file, std::ios::binary) << start;
  expect_error(ErrorCode::kBadFile, short_file, [&] { limber::Model{short_file}; });
}

TEST_F(CppApi, TheCacheIsWhereTheCallerWantsIt) {
  namespace fs = std::filesystem;
  const std::string file = kModels + "/fashion-incremental.safetensors";
  const fs::path folder = fs::path(testing::TempDir()) / "limber_cpp_cache";
  fs::remove_all(folder);
  const limber::Model kept(file, {.cache = folder.string()});
  EXPECT_TRUE(kept.memory().shared);
  EXPECT_FALSE(fs::is_empty(folder));
  EXPECT_FALSE(limber::Model(file, {.cache = ""}).memory().shared);
  fs::remove_all(folder);
}

}  // namespace
