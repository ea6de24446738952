// SPDX-License-Identifier: Apache-2.0
#include "design/family/family_search.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "base/error.h"
#include "base/test_folder.h"
#include "design/family/stratified_images.h"
#include "design/test_images.h"
#include "formats/graph_json.h"
#include "network/model.h"
#include "network/random_weights.h"
#include "network/sub_network.h"

namespace limber {
namespace {

double macs(const Graph& graph, const Choice& choice) {
  return static_cast<double>(resolve(graph, choice).macs);
}

// Four layers of three widths each, on two image sizes; random weights.
Network wide() {
  std::string dimensions = R"({"name": "resolution", "choices": [8, 12]})", nodes;
  std::string before = "image";
  for (int i = 0; i < 4; ++i) {
    dimensions += fmt::format(R"(, {{"name": "width{}", "choices": [4, 8, 16]}})", i);
    nodes +=
        fmt::format(R"({{"name": "layer{0}", "op": "conv2d", "inputs": ["{1}"], "weight": "w{0}", "activation": "relu",
        "channels": {{"by": ["width{0}"], "table": [[[4], 4], [[8], 8], [[16], 16]]}},
        "norm": {{"weight": "n{0}.w", "bias": "n{0}.b", "mean": "n{0}.m", "variance": "n{0}.v"}}}},)",
                    i, before);
    before = fmt::format("layer{}", i);
  }
  const std::string size = R"({"by": ["resolution"], "table": [[[8], 8], [[12], 12]]})";
  Network network = with_random_weights(parse_graph(
      R"({"format": "limber-graph", "version": 1, "name": "wide", "space": {"dimensions": [)" + dimensions +
          R"(]}, "nodes": [{"name": "image", "op": "input", "channels": 3, "height": )" + size +
          ", \"width\": " + size + "}," + nodes + R"({"name": "mean", "op": "global_average_pool", "inputs": [")" +
          before + R"("]}, {"name": "logits", "op": "linear", "inputs": ["mean"], "channels": 4, "weight": "l"}]})",
      "wide"));
  network.preprocessing = {{0.4f, 0.4f, 0.4f}, {0.2f, 0.2f, 0.2f}};
  network.hash = "wide";
  return network;
}

FamilyData images(int64_t side) {
  return {toy::coloured(20, side, 4, 1), toy::coloured(40, side, 4, 2), toy::coloured(60, side, 4, 3)};
}

FamilySettings quick() {
  FamilySettings settings;
  settings.search.budget = 60;
  settings.search.population = 10;
  settings.samples = 20;
  settings.members = 3;
  return settings;
}

TEST(FamilySearch, OnlyMeasuredParetoPointsAreMembers) {
  const Network network = wide();
  const FamilyData data = images(12);
  const FamilyResult result = search_family(network, data, macs, quick());
  ASSERT_FALSE(result.family.empty());
  ASSERT_TRUE(result.errors);
  const ChoiceEvaluator judge(network, data.calibration, data.validation);
  for (const std::size_t i : result.family) {
    const FamilyProposal& member = result.front[i];
    EXPECT_EQ(member.cost, macs(network.graph, member.choice));
    ASSERT_TRUE(member.measured);
    EXPECT_EQ(*member.measured, judge(member.choice).top1());
    for (const FamilyProposal& other : result.front) {
      if (!other.measured) continue;
      EXPECT_FALSE(dominates({other.cost, *other.measured}, {member.cost, *member.measured}));
    }
  }
}

TEST(FamilySearch, TheBestOfTheSamplesAreProposedToo) {
  FamilySettings settings = quick();
  settings.search.algorithm = "random";
  settings.search.budget = 1;  // finds nothing to speak of by itself
  const FamilyResult result = search_family(wide(), images(12), macs, settings);
  ASSERT_GT(result.front.size(), 1u);
  EXPECT_EQ(result.front.front().choice, (Choice{8, 4, 4, 4, 4}));  // always sampled, and nothing is cheaper
  EXPECT_TRUE(std::is_sorted(result.front.begin(), result.front.end(),
                             [](const auto& a, const auto& b) { return a.cost < b.cost; }));
}

class FamilyState : public FolderTest {};
TEST_F(FamilyState, KilledAnywhereItGoesOnToTheSameEnd) {
  const Network network = wide();
  const FamilyData data = images(12);
  FamilySettings settings = quick();
  const FamilyResult whole = search_family(network, data, macs, settings);
  settings.state = path("state.jsonl");
  int64_t evaluated = 0;
  FamilyHooks hooks;
  hooks.progress = [&](const std::string& phase, int64_t, int64_t) { evaluated += phase != "searching"; };
  for (const int64_t limit : {7, 21}) {  // while sampling, and while measuring
    hooks.stop = [&] { return evaluated >= limit; };
    evaluated = 0;
    EXPECT_TRUE(search_family(network, data, macs, settings, hooks).stopped) << limit;
  }
  const FamilyResult resumed = search_family(network, data, macs, settings);
  EXPECT_EQ(resumed.family, whole.family);
  ASSERT_EQ(resumed.front.size(), whole.front.size());
  for (std::size_t i = 0; i < whole.front.size(); ++i) {
    EXPECT_EQ(resumed.front[i].choice, whole.front[i].choice);
    EXPECT_EQ(resumed.front[i].predicted, whole.front[i].predicted);
    EXPECT_EQ(resumed.front[i].measured, whole.front[i].measured);
  }
}

TEST_F(FamilyState, WhatAnEarlierSearchMeasuredIsKept) {
  const Network network = wide();
  const FamilyData data = images(12);
  FamilySettings settings = quick();
  settings.state = path("state.jsonl");
  const FamilyResult first = search_family(network, data, macs, settings);
  settings.search.seed = 9;
  const FamilyResult second = search_family(network, data, macs, settings);
  for (const FamilyProposal& before : first.front) {
    if (!before.measured) continue;
    EXPECT_TRUE(std::any_of(second.front.begin(), second.front.end(), [&](const FamilyProposal& after) {
      return after.choice == before.choice && after.measured == before.measured;
    }));
  }
}

// Where every choice was judged, on the very images that members are measured on, nobody is asked once more.
TEST_F(FamilyState, ASmallSpaceThatIsKnownAlready) {
  FamilyData data = images(12);
  data.sampled = data.validation;
  FamilySettings settings = quick();
  settings.state = path("state.jsonl");
  const Network network = toy::blocks();
  const FamilyResult first = search_family(network, data, macs, settings);
  settings.search.algorithm = "random";
  settings.search.budget = 1;
  const FamilyResult second = search_family(network, data, macs, settings);
  EXPECT_GE(second.front.size(), first.front.size()) << "what the first measured is there";
  for (const FamilyProposal& proposal : second.front) {
    if (!proposal.measured) continue;
    EXPECT_EQ(proposal.predicted, *proposal.measured);
  }
}

TEST(FamilySearch, ASmallSpaceNeedsNoPredictor) {
  const FamilyResult result = search_family(toy::blocks(), images(12), macs, quick());
  EXPECT_FALSE(result.errors);
  EXPECT_FALSE(result.family.empty());
}

TEST(FamilySearch, MembersHaveStatisticsOfTheirOwn) {
  const Network network = wide();
  const FamilyData data = images(8);
  const Network result = with_family(network, {{8, 4, 4, 4, 4}, {8, 16, 8, 8, 4}}, data.calibration);
  ASSERT_EQ(result.family.size(), 2u);
  EXPECT_EQ(result.family[1].name, "m2");
  EXPECT_EQ(result.family[1].norms.size(), 4u);
  const ChoiceEvaluator judge(network, data.calibration, data.validation);
  const auto model = Model::build(result);
  for (int m = 0; m < 2; ++m)
    EXPECT_EQ(count_right(model, m, data.validation), judge(result.family[static_cast<std::size_t>(m)].choice));
}

TEST(StratifiedImages, EveryClassHasItsShare) {
  Images sorted = toy::coloured(200, 2, 4, 1);
  std::sort(sorted.labels.begin(), sorted.labels.end());  // as image folders are read
  for (std::size_t i = 0; i < sorted.labels.size(); ++i)
    sorted.pixels[12 * i] = static_cast<uint8_t>(i);  // to tell them apart
  const Images some = stratified_images(sorted, 42, 7);
  std::map<int32_t, int> counts;
  for (std::size_t i = 0; i < some.labels.size(); ++i) {
    ++counts[some.labels[i]];
    EXPECT_EQ(some.labels[i], sorted.labels[some.pixels[12 * i]]);  // pixels and label came along together
  }
  EXPECT_EQ(some.count, 42);
  EXPECT_EQ(counts.size(), 4u);
  for (const auto& [label, count] : counts) EXPECT_NEAR(count, 10.5, 0.6);
  EXPECT_EQ(some.hash, stratified_images(sorted, 42, 7).hash);
  EXPECT_NE(some.hash, stratified_images(sorted, 42, 8).hash);
  EXPECT_EQ(stratified_images(sorted, 500, 7).hash, sorted.hash);
}

TEST(FamilySearch, ImagesOfAnotherSizeThanAnyChoiceReadsAreResized) {
  const FamilyResult result = search_family(wide(), images(10), macs, quick());
  ASSERT_FALSE(result.front.empty());
  const auto reads = [&](int64_t side) {
    return std::any_of(result.front.begin(), result.front.end(),
                       [side](const FamilyProposal& proposal) { return proposal.choice[0] == side; });
  };
  EXPECT_TRUE(reads(8) || reads(12));
}

TEST(FamilySearch, FollowsAGivenPredictor) {
  FamilySettings settings = quick();
  settings.accuracy = [](const Choice& choice) { return choice[0] == 8 ? 0.5 : 0.25; };  // the smaller is the better
  const FamilyResult result = search_family(wide(), images(12), macs, settings);
  EXPECT_FALSE(result.errors);
  ASSERT_EQ(result.front.size(), 1u);  // nothing beats the smallest of the better half
  EXPECT_EQ(result.front[0].choice, (Choice{8, 4, 4, 4, 4}));
  EXPECT_EQ(result.front[0].predicted, 0.5);
  EXPECT_TRUE(result.front[0].measured);
}

}  // namespace
}  // namespace limber
