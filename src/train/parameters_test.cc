// SPDX-License-Identifier: Apache-2.0
#include "train/parameters.h"

#include <gtest/gtest.h>
#include <torch/linalg.h>

namespace limber::train {
namespace {

using torch::Tensor;

Recipe muon_recipe() {
  Recipe recipe;
  recipe.optimizer = Optimizer::kMuon;
  recipe.muon_rate = 0.5;
  return recipe;
}

Leaf leaf_with(const Tensor& value, const Tensor& gradient, bool scale_free) {
  Leaf leaf = make_leaf("w", value.clone(), true, scale_free);
  leaf.value.mutable_grad() = gradient.clone();
  return leaf;
}

TEST(Parameters, MuonStepsInAllDirectionsOfTheGradientAlike) {
  torch::manual_seed(1);
  for (const auto& shape : {std::vector<int64_t>{8, 4, 3, 3}, {16, 8, 1, 1}}) {  // wide and tall as matrices
    const int64_t rows = shape[0];
    Tensor weight = torch::randn(shape);
    weight.mul_(std::sqrt(static_cast<double>(rows)) / weight.norm());
    const Tensor u = torch::randn({rows, 1, 1, 1});
    const Tensor gradient = 10 * u * torch::randn({1, shape[1], shape[2], shape[3]}) + torch::randn(shape);
    std::vector<Leaf> leaves = {leaf_with(weight, gradient, true)};
    const Tensor before = torch::linalg_svdvals(gradient.flatten(1));
    ASSERT_GT((before.max() / before.min()).item<double>(), 20);  // one direction outweighs all others
    update(leaves, muon_recipe(), 0.2);
    EXPECT_FALSE(leaves[0].value.grad().defined());
    const Tensor step = (leaves[0].value - weight).detach();
    EXPECT_NEAR((step.norm() / weight.norm()).item<double>(), 0.2 * 0.5, 1e-4);
    const Tensor after = torch::linalg_svdvals(step.flatten(1));
    EXPECT_LT((after.max() / after.min()).item<double>(), 2);
    EXPECT_LT((step * gradient).sum().item<double>(), 0);  // downhill
  }
}

TEST(Parameters, MuonKeepsTheNormWhateverTheWeightWas) {
  torch::manual_seed(2);
  std::vector<Leaf> leaves = {leaf_with(100 * torch::randn({4, 4, 3, 3}), torch::zeros({4, 4, 3, 3}), true)};
  update(leaves, muon_recipe(), 0.2);
  EXPECT_NEAR(leaves[0].value.norm().item<double>(), 2, 1e-4);  // sqrt(4 outputs); a gradient of zero moves nothing
}

TEST(Parameters, EverythingElseTakesTheStepOfSgd) {
  torch::manual_seed(3);
  const Tensor weight = torch::randn({4, 6}), gradient = torch::randn({4, 6});
  Recipe sgd = muon_recipe();
  sgd.optimizer = Optimizer::kSgd;
  std::vector<Leaf> mine = {leaf_with(weight, gradient, false)}, other = {leaf_with(weight, gradient, false)};
  update(mine, muon_recipe(), 0.2);
  update(other, sgd, 0.2);
  EXPECT_TRUE(torch::equal(mine[0].value, other[0].value));
  const Tensor decayed = gradient + sgd.weight_decay * weight;  // Nesterov's first step
  EXPECT_LT((mine[0].value - (weight - 0.2 * (1 + sgd.momentum) * decayed)).abs().max().item<double>(), 1e-6);
}

TEST(Parameters, OnlyAConvolutionOverChannelsWithNormalisationIsScaleFree) {
  Node node;
  node.op = Op::kConv2d;
  EXPECT_FALSE(scale_free(node));
  node.norm = Norm{"w", "b", "m", "v"};
  EXPECT_TRUE(scale_free(node));
  node.depthwise = true;
  EXPECT_FALSE(scale_free(node));
  node.depthwise = false;
  node.op = Op::kLinear;
  EXPECT_FALSE(scale_free(node));
}

}  // namespace
}  // namespace limber::train
