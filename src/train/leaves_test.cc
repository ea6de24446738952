// SPDX-License-Identifier: Apache-2.0
#include "train/leaves.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "train/tensors.h"
#include "train/test_networks.h"

namespace limber::train {
namespace {

Tensors blank(const Graph& graph, const std::vector<Step>& steps) {
  Tensors weights;
  for (const auto& [name, shape] : tensor_shapes(graph, steps)) weights[name] = torch::zeros(shape);
  for (const Node& node : graph.nodes) {
    if (!node.norm) continue;
    weights[node.norm->weight].uniform_(0.5, 2);
    weights[node.norm->variance].uniform_(0.5, 2);
  }
  return weights;
}

TEST(Leaves, AGroupThatBeginsAsThePreviousOneSaysTheSame) {
  for (const bool nested : {false, true}) {
    const Graph graph = tiny_graph(3, nested);
    const std::vector<Step> steps =
        plan_steps(graph, {parse_choice(graph.space, "groups=1"), parse_choice(graph.space, "groups=2"),
                           parse_choice(graph.space, "groups=3")});
    Recipe recipe = tiny_recipe(3);
    recipe.begin = Begin::kPrevious;
    Tensors weights = blank(graph, steps);
    Leaves leaves(recipe, graph, steps, weights, nullptr);
    const torch::Tensor x = torch::randn({4, 1, 8, 8});
    torch::Tensor before;
    for (std::size_t i = 0; i < steps.size(); ++i) {
      leaves.make(static_cast<int64_t>(i));
      const Tensors values = values_of(leaves.all());
      Interpreter net(graph, steps[i], weights, values, Statistics::kStored, false);
      torch::NoGradGuard guard;
      net.start(x);
      const torch::Tensor says = net.own();
      if (i > 0) {
        EXPECT_TRUE(torch::allclose(says, before, 1e-5, 1e-6)) << "step " << i << ", nested " << nested;
      }
      EXPECT_GT(says.abs().max().item<float>(), 0.01);
      before = says;
    }
  }
}

TEST(Leaves, GroupsOfAnotherShapeCannotBeginAsThePreviousOne) {
  Graph graph = tiny_graph(2, false);
  for (Node& node : graph.nodes) {
    if (node.name == "conv0.g1") node.channels = 4;
  }
  const std::vector<Step> steps =
      plan_steps(graph, {parse_choice(graph.space, "groups=1"), parse_choice(graph.space, "groups=2")});
  Recipe recipe = tiny_recipe(2);
  recipe.begin = Begin::kPrevious;
  Tensors weights = blank(graph, steps);
  Leaves leaves(recipe, graph, steps, weights, nullptr);
  leaves.make(0);
  try {
    leaves.make(1);
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("conv0.g1"), std::string::npos) << error.what();
  }
}

TEST(BestScale, TrustsWhoIsRight) {
  torch::manual_seed(1);
  const torch::Tensor labels = torch::randint(10, {500}, torch::kLong);
  const torch::Tensor right = torch::one_hot(labels, 10).to(torch::kFloat) * 2 + torch::randn({500, 10}) * 0.5;
  const torch::Tensor noise = torch::randn({500, 10});
  EXPECT_EQ(best_scale({right, noise, labels}), 4);
  EXPECT_EQ(best_scale({noise, right, labels}), 0.25);
  EXPECT_EQ(best_scale({right, torch::Tensor(), labels}), 1);
}

}  // namespace
}  // namespace limber::train
