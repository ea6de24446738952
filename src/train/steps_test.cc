// SPDX-License-Identifier: Apache-2.0
#include "train/steps.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "train/test_networks.h"

namespace limber::train {
namespace {

int node_named(const Graph& graph, const std::string& name) {
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    if (graph.nodes[i].name == name) return static_cast<int>(i);
  }
  return -1;
}

TEST(Steps, ALaterStepTrainsOnlyItsOwnGroup) {
  const Graph graph = tiny_graph(3, true);
  const std::vector<Step> steps = plan_steps(graph, {{1}, {2}, {3}});
  ASSERT_EQ(steps.size(), 3u);
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    const std::string& name = graph.nodes[i].name;
    const bool second = name.ends_with(".g1");
    EXPECT_EQ(static_cast<bool>(steps[1].fresh[i]), second) << name;
  }
  EXPECT_EQ(steps[1].answer, node_named(graph, "logits"));
  ASSERT_EQ(steps[2].new_ranges.size(), 1u);
  EXPECT_EQ(steps[2].new_ranges[0].weight_from, 16);
  EXPECT_EQ(steps[2].old_ranges.size(), 2u);
}

TEST(Steps, ShapesAreTheLargestMembers) {
  const Graph graph = tiny_graph(3, true);
  const auto shapes = tensor_shapes(graph, plan_steps(graph, {{1}, {2}, {3}}));
  EXPECT_EQ(shapes.at("conv1.g2.weight"), (std::vector<int64_t>{8, 24, 3, 3}));
  EXPECT_EQ(shapes.at("conv1.g0.weight"), (std::vector<int64_t>{8, 8, 3, 3}));
  EXPECT_EQ(shapes.at("logits.weight"), (std::vector<int64_t>{3, 24}));
  EXPECT_EQ(shapes.at("logits.bias"), (std::vector<int64_t>{3}));
}

TEST(Steps, MembersMustGrow) {
  const Graph graph = tiny_graph(3, true);
  EXPECT_THROW(plan_steps(graph, {{2}, {1}}), Error);
  EXPECT_THROW(plan_steps(graph, {{1}, {1}}), Error);
  EXPECT_THROW(plan_steps(graph, {{7}}), Error);
}

TEST(Steps, ANodeThatChangesBetweenMembersCannotBeFrozen) {
  Graph graph = tiny_graph(2, false);
  Extent& channels = graph.nodes[static_cast<std::size_t>(node_named(graph, "conv0.g0"))].channels;
  channels.by = {0};
  channels.table = {{{1}, 4}, {{2}, 8}};
  EXPECT_THROW(plan_steps(graph, {{1}, {2}}), Error);
}

}  // namespace
}  // namespace limber::train
