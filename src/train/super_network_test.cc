// SPDX-License-Identifier: Apache-2.0
#include "train/super_network.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "base/error.h"
#include "network/check.h"
#include "train/test_networks.h"

namespace limber::train {
namespace {

TrainingData tiny_data() {
  return {tiny_images(192, 1), tiny_images(48, 2), []() -> Images {
            ADD_FAILURE() << "a super-network's training reads no test images";
            return {};
          }};
}

std::map<std::string, std::vector<std::byte>> bytes_of(const Network& network) {
  std::map<std::string, std::vector<std::byte>> result;
  for (const Tensor& tensor : network.tensors) result[tensor.name].assign(tensor.bytes.begin(), tensor.bytes.end());
  return result;
}

TEST(SuperNetwork, OneUpdateOfTheLargestIsPlainTorchs) {
  Graph graph = tiny_super_graph();
  Recipe recipe = tiny_super_recipe();
  recipe.weight_decay = 0;
  recipe.momentum = 0;
  recipe.phases[0].sample = Sample::kLargest;
  const TrainingData data = tiny_data();
  SuperNetworkLearner learner(recipe, graph, data, {}, nullptr, nullptr);
  learner.begin(0);
  Tensors before;
  for (const Leaf& leaf : learner.leaves()) before[leaf.name] = leaf.value.detach().clone();
  for (auto& [name, tensor] : before) tensor.requires_grad_();
  const auto w = [&](const std::string& name) { return before.at(name); };
  const auto conv = [&](const torch::Tensor& x, const std::string& name, bool depthwise = false) {
    const torch::Tensor weight = w(name + ".weight");
    const torch::Tensor y = torch::conv2d(x, weight, {}, 1, weight.size(2) / 2, 1, depthwise ? x.size(1) : int64_t{1});
    return torch::batch_norm(y, w(name + ".norm.weight"), w(name + ".norm.bias"), {}, {}, true, 0, 1e-5, false);
  };
  const auto dense = [&](const torch::Tensor& x, const std::string& name) {
    return torch::conv2d(x, w(name + ".weight"), w(name + ".bias"));
  };
  torch::manual_seed(5);
  const torch::Tensor image = torch::randn({6, 1, 8, 8}), labels = torch::tensor({0, 1, 2, 0, 1, 2});
  const torch::Tensor stem = torch::relu(conv(image, "stem"));
  torch::Tensor y = torch::relu(conv(torch::relu(conv(stem, "block1.wide")), "block1.depthwise", true));
  const torch::Tensor squeezed = torch::relu(dense(y.mean({2, 3}, true), "block1.squeeze"));
  y = y * torch::hardsigmoid(dense(squeezed, "block1.excite"));
  const torch::Tensor first = torch::relu(conv(y, "block1.narrow") + stem);
  y = torch::relu(conv(torch::relu(conv(first, "block2.wide")), "block2.depthwise", true));
  y = torch::relu(conv(y, "block2.narrow") + first);
  const torch::Tensor logits = torch::linear(y.mean({2, 3}), w("logits.weight"), w("logits.bias"));
  const torch::Tensor loss = torch::nn::functional::cross_entropy(logits, labels);
  loss.backward();

  Place place;
  place.rate = 0.1;
  EXPECT_NEAR(learner.learn(image, labels, place), loss.item<double>(), 1e-5);
  for (const Leaf& leaf : learner.leaves()) {
    if (leaf.name.ends_with("5to3")) {  // the largest does not use them: no gradient, no step
      EXPECT_TRUE(leaf.value.equal(before.at(leaf.name)));
      continue;
    }
    const torch::Tensor expected = before.at(leaf.name) - 0.1 * before.at(leaf.name).grad();
    EXPECT_LT((leaf.value - expected).abs().max().item<double>(), 1e-5) << leaf.name;
  }
}

TEST(SuperNetwork, LearnsStoresStatisticsOfEachMemberAndNeedsThem) {
  const Graph graph = tiny_super_graph();
  Recipe recipe = tiny_super_recipe();
  recipe.phases[0].epochs = 8;
  const TrainingData data = tiny_data();
  const TrainResult result = train(recipe, graph, data, {});
  ASSERT_TRUE(result.finished);
  ASSERT_EQ(result.records.size(), 8u);
  EXPECT_EQ(result.records.back().members.size(), 2u);
  check(result.network);
  ASSERT_EQ(result.network.family.size(), 2u);
  Tensors weights;
  for (const limber::Tensor& tensor : result.network.tensors) weights[tensor.name] = to_torch(tensor);
  for (const Member& member : result.network.family) {
    ASSERT_EQ(member.accuracies.size(), 1u);
    EXPECT_EQ(member.accuracies[0].split, "validation");
    EXPECT_GT(member.accuracies[0].top1, 0.9) << member.name;
    EXPECT_EQ(member.norms.size(), member.name == "largest" ? 7u : 4u);
  }
  const Member& small = result.network.family.front();
  const double without = accuracy_with(recipe, graph, small.choice, weights, {}, data.validation, false);
  EXPECT_LT(without, small.accuracies[0].top1 - 0.1) << "with the largest's statistics";
}

TEST(SuperNetwork, ResumedTrainingEqualsAnUninterruptedOne) {
  const Graph graph = tiny_super_graph();
  const TrainingData data = tiny_data();
  Recipe recipe = tiny_super_recipe();
  RecipePhase shrink = recipe.phases[0];
  recipe.phases[0].epochs = 1;
  recipe.phases[0].sample = Sample::kLargest;
  shrink.epochs = 1;
  shrink.sample = Sample::kRandom;
  shrink.teacher = Teacher::kPrevious;
  shrink.sort = true;
  shrink.hard = 0.5;
  shrink.space = "*.kernel=5";
  recipe.phases.push_back(shrink);
  const auto whole = bytes_of(train(recipe, graph, data, {}).network);
  TrainOptions options;
  options.checkpoint =
      (std::filesystem::temp_directory_path() / ("limber_super_" + std::to_string(getpid()) + ".ckpt")).string();
  options.restart = true;
  int stops = 0, batches = 0;
  TrainResult result;
  options.stop = [&] { return ++batches % 5 == 0; };
  while (!(result = train(recipe, graph, data, options)).finished) {
    options.restart = false;
    ASSERT_LT(++stops, 100);
  }
  EXPECT_GT(stops, 3);
  EXPECT_EQ(bytes_of(result.network), whole);
  std::filesystem::remove(options.checkpoint);
  std::filesystem::remove(options.checkpoint + ".jsonl");
}

// On a machine with a GPU that libtorch can use, it is used; elsewhere the training says what is missing.
TEST(SuperNetwork, TrainsOnAGpuOrSaysWhatIsMissing) {
  const Graph graph = tiny_super_graph();
  Recipe recipe = tiny_super_recipe();
  recipe.phases[0].epochs = 8;
  TrainOptions options;
  options.device = "tpu";
  try {
    train(recipe, graph, tiny_data(), options);
    FAIL() << "tpu";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("legal are cpu and cuda"), std::string::npos) << error.what();
  }
  options.device = "cuda";
  if (!torch::cuda::is_available()) {
    try {
      train(recipe, graph, tiny_data(), options);
      FAIL() << "cuda";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
      EXPECT_NE(std::string(error.what()).find("finds no NVIDIA GPU"), std::string::npos) << error.what();
    }
    return;
  }
  const TrainResult result = train(recipe, graph, tiny_data(), options);
  ASSERT_TRUE(result.finished);
  for (const Member& member : result.network.family) EXPECT_GT(member.accuracies[0].top1, 0.9) << member.name;
}

}  // namespace
}  // namespace limber::train
