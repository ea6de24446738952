// SPDX-License-Identifier: Apache-2.0
#include "train/trainer.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <map>

#include "base/error.h"
#include "base/half.h"
#include "train/test_networks.h"

namespace limber::train {
namespace {

TrainingData tiny_data() {
  return {tiny_images(192, 1), tiny_images(48, 2), [] { return tiny_images(60, 3); }};
}

std::map<std::string, std::vector<std::byte>> bytes_of(const Network& network) {
  std::map<std::string, std::vector<std::byte>> result;
  for (const Tensor& tensor : network.tensors) result[tensor.name].assign(tensor.bytes.begin(), tensor.bytes.end());
  return result;
}

class TrainerTest : public testing::Test {
 protected:
  TrainerTest()
      : file_((std::filesystem::temp_directory_path() / ("limber_train_" + std::to_string(getpid()) + ".ckpt"))
                  .string()) {}
  ~TrainerTest() override {
    std::filesystem::remove(file_);
    std::filesystem::remove(file_ + ".jsonl");
  }
  std::string file_;
};

void expect_prefix_frozen(Loss loss, bool nested, double join, int groups, Begin begin = Begin::kRandom) {
  const Graph graph = tiny_graph(groups, nested);
  Recipe shorter = tiny_recipe(groups - 1), longer = tiny_recipe(groups);
  for (Recipe* recipe : {&shorter, &longer}) {
    recipe->loss = loss;
    recipe->join = join;
    recipe->begin = begin;
    recipe->scale = begin == Begin::kPrevious ? Scale::kFitted : Scale::kOne;
  }
  const TrainingData data = tiny_data();
  const Network before = train(shorter, graph, data, {}).network;
  const Network after = train(longer, graph, data, {}).network;
  const auto old = bytes_of(before), now = bytes_of(after);
  ASSERT_LT(old.size(), now.size());
  const std::size_t columns = 8 * static_cast<std::size_t>(groups);
  for (const auto& [name, bytes] : old) {
    if (name != "logits.weight") {
      EXPECT_EQ(bytes, now.at(name)) << name << " changed after its group was frozen";
      continue;
    }
    const std::size_t kept = 2 * (columns - 8);  // bytes of one row's old columns, F16
    for (std::size_t row = 0; row < 3; ++row)
      EXPECT_EQ(std::memcmp(bytes.data() + row * kept, now.at(name).data() + row * 2 * columns, kept), 0)
          << "row " << row;
  }
  EXPECT_EQ(after.family[0].accuracies[1].top1, before.family[0].accuracies[1].top1);
  EXPECT_EQ(after.family.back().accuracies[1].samples, 60);
}

TEST_F(TrainerTest, FrozenTensorsStayBitIdentical) {
  expect_prefix_frozen(Loss::kOwn, false, 0, 2);
  expect_prefix_frozen(Loss::kSum, true, 0, 3);
  expect_prefix_frozen(Loss::kMixed, true, 0.5, 2);
  expect_prefix_frozen(Loss::kOwn, true, 0, 3, Begin::kPrevious);
}

TEST_F(TrainerTest, LearnsAndReportsEveryMember) {
  Recipe recipe = tiny_recipe(2);
  recipe.epochs = {8, 4};
  recipe.keep = Keep::kBest;
  const TrainResult result = train(recipe, tiny_graph(2, true), tiny_data(), {});
  ASSERT_TRUE(result.finished);
  EXPECT_EQ(result.records.size(), 12u);
  for (const Member& member : result.network.family) {
    ASSERT_EQ(member.accuracies.size(), 2u);
    EXPECT_EQ(member.accuracies[0].split, "validation");
    EXPECT_EQ(member.accuracies[1].split, "test");
    EXPECT_GT(member.accuracies[1].top1, 0.9) << member.name;
  }
}

TEST_F(TrainerTest, TheTestImagesStayUnreadUntilTheModelIsAskedFor) {
  TrainingData data = tiny_data();
  int reads = 0;
  data.test = [&] {
    ++reads;
    return tiny_images(60, 3);
  };
  TrainOptions options;
  options.checkpoint = file_;
  options.finish = false;
  const Graph graph = tiny_graph(2, false);
  EXPECT_TRUE(train(tiny_recipe(2), graph, data, options).network.family.empty());
  EXPECT_EQ(reads, 0);
  options.finish = true;
  EXPECT_EQ(train(tiny_recipe(2), graph, data, options).network.family.size(), 2u);
  EXPECT_EQ(reads, 1);
}

TEST_F(TrainerTest, ResumedTrainingEqualsAnUninterruptedOne) {
  const Graph graph = tiny_graph(2, true);
  const TrainingData data = tiny_data();
  for (const Keep keep : {Keep::kLast, Keep::kBest}) {
    Recipe recipe = tiny_recipe(2);
    recipe.keep = keep;
    recipe.loss = Loss::kMixed;
    recipe.join = 0.5;
    recipe.begin = keep == Keep::kBest ? Begin::kPrevious : Begin::kRandom;
    recipe.scale = keep == Keep::kBest ? Scale::kFitted : Scale::kOne;
    const Network whole = train(recipe, graph, data, {}).network;
    TrainOptions options;
    options.checkpoint = file_;
    options.restart = true;
    int stops = 0, batches = 0;
    TrainResult result;
    options.stop = [&] { return ++batches % 7 == 0; };  // again and again, in the middle of epochs
    while (!(result = train(recipe, graph, data, options)).finished) {
      options.restart = false;
      ASSERT_LT(++stops, 100);
    }
    EXPECT_GT(stops, 3);
    EXPECT_EQ(bytes_of(whole), bytes_of(result.network));
    EXPECT_EQ(result.records.size(), 4u);
  }
}

TEST_F(TrainerTest, ACheckpointOfAnotherRecipeOrADamagedOneIsRefused) {
  const Graph graph = tiny_graph(2, false);
  const TrainingData data = tiny_data();
  Recipe recipe = tiny_recipe(2);
  TrainOptions options;
  options.checkpoint = file_;
  train(recipe, graph, data, options);
  recipe.text = "another";
  try {
    train(recipe, graph, data, options);
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("another recipe"), std::string::npos) << error.what();
  }
  std::filesystem::resize_file(file_, std::filesystem::file_size(file_) - 100);
  try {
    train(recipe, graph, data, options);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kBadFile);
    EXPECT_NE(std::string(error.what()).find("--restart"), std::string::npos) << error.what();
  }
}

TEST_F(TrainerTest, WrongDataIsRefusedBeforeAnythingIsTrained) {
  const Graph graph = tiny_graph(2, false);
  TrainingData data = tiny_data();
  data.train.height = 7;
  EXPECT_THROW(train(tiny_recipe(2), graph, data, {}), Error);
  data = tiny_data();
  data.train.classes.push_back("a fourth");
  EXPECT_THROW(train(tiny_recipe(2), graph, data, {}), Error);
}

}  // namespace
}  // namespace limber::train
