// SPDX-License-Identifier: Apache-2.0
#include "train/sorting.h"

#include <gtest/gtest.h>

#include "train/test_networks.h"
#include "train/training.h"

namespace limber::train {
namespace {

Tensors random_weights(const Graph& graph, const Step& largest) {
  torch::manual_seed(3);
  Tensors weights = blank_weights(graph, tensor_shapes(graph, {largest}));
  for (auto& [name, tensor] : weights) {
    if (name.ends_with("variance"))
      tensor.uniform_(0.5, 2);
    else
      tensor.normal_();
  }
  return weights;
}

torch::Tensor answer(const Graph& graph, const Step& step, Tensors& weights, const torch::Tensor& x) {
  torch::NoGradGuard guard;
  const Tensors no_leaves;
  Interpreter net(graph, step, weights, no_leaves, Statistics::kStored, false);
  net.start(x);
  return net.own().clone();
}

TEST(Sorting, TheLargestNetworkAnswersAsBeforeAndImportantChannelsComeFirst) {
  const Graph graph = tiny_super_graph();
  const Step largest = sub_network_step(graph, largest_choice(graph.space));
  const Step smallest = sub_network_step(graph, {8, 2, 4, 5, 4, 5});
  Tensors weights = random_weights(graph, largest);
  const torch::Tensor x = torch::randn({4, 1, 8, 8});
  const torch::Tensor before = answer(graph, largest, weights, x), small = answer(graph, smallest, weights, x);
  EXPECT_EQ(sort_channels(graph, weights), 2);
  EXPECT_LT((answer(graph, largest, weights, x) - before).abs().max().item<double>(),
            1e-4 * before.abs().max().item<double>());
  EXPECT_GT((answer(graph, smallest, weights, x) - small).abs().max().item<double>(), 1e-3);  // it kept other channels
  const torch::Tensor second = weights.at("block2.narrow.weight").abs().sum({0, 2, 3});
  EXPECT_TRUE(second.slice(0, 1).le(second.slice(0, 0, 7)).all().item<bool>());
  EXPECT_EQ(sort_channels(graph, weights), 2);
  EXPECT_TRUE(weights.at("block2.narrow.weight").abs().sum({0, 2, 3}).equal(second)) << "sorting twice is sorting once";
}

}  // namespace
}  // namespace limber::train
