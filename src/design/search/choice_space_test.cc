// SPDX-License-Identifier: Apache-2.0
#include "design/search/choice_space.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/error.h"
#include "design/test_images.h"
#include "formats/graph_json.h"
#include "network/sub_network.h"
#include "network/toy_networks.h"

namespace limber {
namespace {

// Everything that makes two sub-networks different, as text.
std::string signature(const Graph& graph, const Choice& choice) {
  std::string text;
  for (const SubNode& node : resolve(graph, choice).nodes) {
    text += fmt::format("{} {} {} {} {}x{} {} {} {}", node.node, node.residual, node.channels, node.channels_from,
                        node.height.constant, node.width, node.kernel, node.padding, node.groups);
    for (const Range& range : node.inputs)
      text += fmt::format(" [{} {} {} {}]", range.node, range.from, range.count, range.weight_from);
    text += '\n';
  }
  return text;
}

std::vector<Choice> all_choices(const DesignSpace& space) {
  std::vector<Choice> all = {{}};
  for (const Dimension& dimension : space.dimensions) {
    std::vector<Choice> longer;
    for (const Choice& choice : all) {
      for (const int64_t value : dimension.choices) {
        longer.push_back(choice);
        longer.back().push_back(value);
      }
    }
    all = std::move(longer);
  }
  return all;
}

// Three blocks in a row; the second and the third vanish with less depth, each with a kernel and a width of its own.
Graph deep() {
  return parse_graph(R"({"format": "limber-graph", "version": 1, "name": "deep", "space": {"dimensions": [
      {"name": "depth", "choices": [1, 2, 3]}, {"name": "kernel2", "choices": [1, 3]},
      {"name": "kernel3", "choices": [1, 3, 5]}, {"name": "size", "choices": [8, 9]}]},
    "nodes": [
      {"name": "image", "op": "input", "channels": 3, "height": {"by": ["size"], "table": [[[8], 8], [[9], 9]]},
       "width": {"by": ["size"], "table": [[[8], 8], [[9], 9]]}},
      {"name": "a", "op": "conv2d", "inputs": ["image"], "channels": 8, "weight": "a"},
      {"name": "b", "op": "conv2d", "inputs": ["a"], "channels": 8, "weight": "b", "padding": -1,
       "kernel": {"by": ["kernel2"], "table": [[[1], 1], [[3], 3]]},
       "when": [{"dimension": "depth", "choices": [2, 3]}], "when_absent": "bypass"},
      {"name": "c", "op": "conv2d", "inputs": ["b"], "channels": 8, "weight": "c", "padding": -1,
       "kernel": {"by": ["kernel3"], "table": [[[1], 1], [[3], 3], [[5], 5]]},
       "when": [{"dimension": "depth", "choices": [3]}], "when_absent": "bypass"},
      {"name": "mean", "op": "global_average_pool", "inputs": ["c"]},
      {"name": "logits", "op": "linear", "inputs": ["mean"], "channels": 4, "weight": "l"}]})",
                     "deep");
}

// Of a small space: one form exactly for each sub-network.
void check_exhaustively(const Graph& graph) {
  const ChoiceSpace space(graph);
  std::map<std::string, std::set<Choice>> forms;
  for (const Choice& choice : all_choices(graph.space)) {
    const auto canonical = space.canonical(choice);
    ASSERT_TRUE(canonical);
    EXPECT_EQ(space.canonical(*canonical), canonical);
    const std::string before = signature(graph, choice);
    EXPECT_EQ(signature(graph, *canonical), before);
    forms[before].insert(*canonical);
  }
  EXPECT_GT(forms.size(), 1u);
  for (const auto& [network, canonical] : forms) EXPECT_EQ(canonical.size(), 1u) << network;
}

TEST(ChoiceSpace, OneFormForEachSubNetwork) {
  check_exhaustively(deep());
  check_exhaustively(toy::blocks().graph);
  check_exhaustively(toy::groups(true).graph);
  check_exhaustively(toy::fluid().graph);
}

TEST(ChoiceSpace, ValuesOfAbsentBlocksDoNotCount) {
  const ChoiceSpace space(deep());
  EXPECT_EQ(space.canonical({2, 3, 5, 9}), (Choice{2, 3, 1, 9}));
  EXPECT_EQ(space.canonical({1, 3, 5, 9}), (Choice{1, 1, 1, 9}));
  EXPECT_EQ(space.canonical({3, 3, 5, 9}), (Choice{3, 3, 5, 9}));
  EXPECT_EQ(space.live({2, 3, 1, 9}), (std::vector<bool>{true, true, false, true}));
  EXPECT_EQ(ChoiceSpace::distance({2, 3, 1, 9}, {3, 3, 5, 9}), 2);
  EXPECT_EQ(space.canonical({4, 3, 5, 9}), std::nullopt);
  EXPECT_EQ(space.canonical({3, 3, 5}), std::nullopt);
}

// Two conditions on one node: either dimension alone decides nothing while the other fails.
TEST(ChoiceSpace, ConditionsOnTwoDimensionsKeepTheSubNetwork) {
  Graph graph = deep();
  graph.nodes[3].when.push_back({1, {1}});  // c is there for depth 3 and kernel2 1
  const ChoiceSpace space(graph);
  for (const Choice& choice : all_choices(graph.space)) {
    const auto canonical = space.canonical(choice);
    ASSERT_TRUE(canonical);
    EXPECT_EQ(signature(graph, *canonical), signature(graph, choice));
  }
}

TEST(ChoiceSpace, SamplesAndChildrenAreLegalAndCanonical) {
  const ChoiceSpace space(deep());
  Random random(1);
  std::map<int64_t, int> depths;
  for (int i = 0; i < 600; ++i) {
    const Choice a = space.sample(random), b = space.sample_spread(random);
    ++depths[a[0]];
    for (const Choice& child : {a, b, space.mutate(a, 0.3, random), space.cross(a, b, random)})
      EXPECT_EQ(space.canonical(child), child);
    const Choice child = space.cross(a, b, random);
    EXPECT_TRUE(child[0] == a[0] || child[0] == b[0]);
    EXPECT_TRUE(child[3] == a[3] || child[3] == b[3]);
    EXPECT_EQ(space.mutate(a, 0, random), a);
  }
  for (const auto& [depth, times] : depths) EXPECT_NEAR(times, 200, 60) << depth;
}

TEST(ChoiceSpace, IllegalChoicesAreNotDrawn) {
  Graph graph = deep();
  graph.nodes[2].padding = 0;   // an 8 x 8 image less 2 on each side still fits; 5 x 5 after 3 x 3 on 8 does
  graph.nodes[2].residual = 1;  // but only a 1 x 1 kernel keeps the size that the residual needs
  const ChoiceSpace space(graph);
  EXPECT_EQ(space.canonical({2, 3, 1, 8}), std::nullopt);
  EXPECT_EQ(space.largest(), std::nullopt);
  Random random(2);
  for (int i = 0; i < 200; ++i) EXPECT_EQ(space.sample(random)[1], 1);
}

TEST(ChoiceSpace, RestrictedDimensions) {
  ChoiceSpace space(deep());
  EXPECT_EQ(space.size(), 36);
  space.restrict_to("kernel3", {5, 3});
  space.restrict_to("size", {9});
  EXPECT_EQ(space.size(), 12);
  EXPECT_EQ(space.smallest(), (Choice{1, 1, 3, 9}));
  EXPECT_EQ(space.largest(), (Choice{3, 3, 5, 9}));
  EXPECT_EQ(space.canonical({3, 3, 1, 9}), std::nullopt);
  EXPECT_THROW(space.restrict_to("kernel3", {4}), Error);
  EXPECT_THROW(space.restrict_to("width", {4}), Error);
  EXPECT_THROW(space.restrict_to("size", {}), Error);
}

}  // namespace
}  // namespace limber
