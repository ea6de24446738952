// SPDX-License-Identifier: Apache-2.0
// Against the numbers that came with the data: sums of the tables and predictions of all published sub-networks.
#include <gtest/gtest.h>

#include <filesystem>

#include "base/need_in_test.h"
#include "design/published/accuracy_mlp.h"
#include "design/published/claims.h"
#include "design/published/families.h"
#include "design/published/latency_table.h"
#include "design/search/choice_space.h"
#include "formats/graph_json.h"

namespace limber {
namespace {

std::vector<PublishedMember> all_members(const PublishedFamilies& families) {
  std::vector<PublishedMember> all = families.six;
  all.insert(all.end(), families.seven.begin(), families.seven.end());
  return all;
}

Graph w12() {
  return read_graph(std::string(LIMBER_NETWORKS) + "/ofa-mobilenetv3-w1.2.json");
}

TEST(Published, TablesSumToTheStoredLatencies) {
  LIMBER_NEED(std::string, folder, find_jetson_data(""));
  const PublishedLatencyTable gpu(folder, "gpu"), cpu(folder, "cpu");
  const PublishedFamilies families = read_published_families(folder);
  ASSERT_EQ(families.six.size(), 6u);
  ASSERT_EQ(families.seven.size(), 7u);
  for (const PublishedMember& member : all_members(families)) {
    EXPECT_NEAR(gpu.latency_ms(member.choice), member.table_gpu_ms, 0.0006);  // stored with three decimals
    EXPECT_NEAR(cpu.latency_ms(member.choice), member.table_cpu_ms, 0.006);   // with two
  }
}

TEST(Published, PredictorGivesTheStoredAccuracies) {
  LIMBER_NEED(std::string, folder, find_jetson_data(""));
  const PublishedAccuracyMlp predictor(folder + "/acc_predictor.safetensors");
  for (const PublishedMember& member : all_members(read_published_families(folder)))
    EXPECT_NEAR(predictor.predict(member.choice), member.predicted_top1, 0.0000051);  // percent, three decimals
  // once-for-all's tutorial prints "81.71% predicted accuracy" for this one.
  OfaChoice tutorial;
  tutorial.resolution = 192;
  tutorial.depth = {2, 2, 3, 4, 3};
  tutorial.expand = {3, 3, 3, 3, 4, 4, 3, 3, 6, 3, 4, 3, 4, 4, 4, 3, 6, 6, 6, 3};
  tutorial.kernel = {5, 3, 3, 3, 5, 3, 3, 3, 7, 7, 3, 3, 5, 5, 7, 3, 3, 3, 5, 3};
  EXPECT_NEAR(predictor.predict(tutorial), 0.8171, 0.00005);
}

TEST(Published, WhatAbsentBlocksSayMeansNothing) {
  LIMBER_NEED(std::string, folder, find_jetson_data(""));
  const PublishedLatencyTable gpu(folder, "gpu");
  const PublishedAccuracyMlp predictor(folder + "/acc_predictor.safetensors");
  const ChoiceSpace space(w12());
  const OfaEncoding encoding(space.space());
  for (const PublishedMember& member : all_members(read_published_families(folder))) {
    const Choice choice = encoding.encode(member.choice);
    const auto canonical = space.canonical(choice);
    ASSERT_TRUE(canonical);
    EXPECT_EQ(encoding.decode(choice).kernel, member.choice.kernel);
    EXPECT_EQ(gpu.latency_ms(encoding.decode(*canonical)), gpu.latency_ms(member.choice));
    EXPECT_EQ(predictor.predict(encoding.decode(*canonical)), predictor.predict(member.choice));
  }
}

TEST(Published, RefusesWhatItHasNoNumbersFor) {
  LIMBER_NEED(std::string, folder, find_jetson_data(""));
  const PublishedLatencyTable gpu(folder, "gpu");
  const PublishedAccuracyMlp predictor(folder + "/acc_predictor.safetensors");
  OfaChoice choice = read_published_families(folder).six.front().choice;
  choice.resolution = 128;
  EXPECT_THROW(gpu.latency_ms(choice), Error);
  choice.resolution = 240;
  EXPECT_THROW(predictor.predict(choice), Error);
  choice.resolution = 176;
  choice.kernel[0] = 4;
  EXPECT_THROW(gpu.latency_ms(choice), Error);
  EXPECT_THROW(predictor.predict(choice), Error);
  EXPECT_THROW(PublishedLatencyTable(folder, "npu"), Error);
  EXPECT_THROW(find_jetson_data("/nonexistent"), Error);
}

// The paper's search again, without having seen its sub-networks: about 2 seconds each.
std::vector<Objectives> searched(const std::string& folder, const std::string& device) {
  ChoiceSpace space(w12());
  space.restrict_to("resolution", {160, 176, 192, 208, 224});
  const OfaEncoding encoding(space.space());
  const PublishedLatencyTable table(folder, device);
  const PublishedAccuracyMlp predictor(folder + "/acc_predictor.safetensors");
  const SearchProblem problem{&space, [&](const Choice& choice) { return table.latency_ms(encoding.decode(choice)); },
                              [&](const Choice& choice) { return predictor.predict(encoding.decode(choice)); }};
  SearchSettings settings;
  settings.budget = 20'000;
  std::vector<Objectives> front;
  for (const Evaluated& point : search(problem, settings).front) front.push_back(point.objectives);
  return front;
}

TEST(DynamicOfa, EachOfTheSixIsBeatenAndTheGpuClaimsHold) {
  LIMBER_NEED(std::string, folder, find_jetson_data(""));
  const PublishedFamilies families = read_published_families(folder);
  const std::vector<Objectives> front = searched(folder, "gpu");
  const std::vector<AgainstMember> six = against_the_six(front, families, "gpu");
  ASSERT_EQ(six.size(), 6u);
  for (const AgainstMember& member : six) {
    EXPECT_LE(member.found.cost, member.latency_ms);
    EXPECT_GE(member.found.accuracy, member.predicted);
  }
  const std::vector<Claim> derived = claims(front, families, "gpu");
  ASSERT_TRUE(derived[0].derived && derived[1].derived);
  EXPECT_GE(*derived[0].derived, 2.4);
  EXPECT_GE(*derived[1].derived, 5.1);
  EXPECT_GE(*derived[0].least, 2.4);  // with every calibration
  EXPECT_GE(*derived[1].least, 5.1);
}

// No more than a range: which table milliseconds are the figure's is not published.
TEST(DynamicOfa, TheCpuClaimsLieInTheirRange) {
  LIMBER_NEED(std::string, folder, find_jetson_data(""));
  const std::vector<Claim> derived = claims(searched(folder, "cpu"), read_published_families(folder), "cpu");
  for (const Claim& claim : derived) {
    ASSERT_TRUE(claim.least && claim.most);
    EXPECT_LE(*claim.least, claim.published);
    EXPECT_GE(*claim.most, claim.published);
  }
}

// On points whose figures can be told by hand: offset 2 points, scale 10.
TEST(DynamicOfa, ClaimsAreReadOffTheCalibratedFront) {
  PublishedFamilies families;
  for (int i = 0; i < 6; ++i) {
    PublishedMember member;
    member.top1 = 0.70;
    member.predicted_top1 = 0.72;
    member.table_gpu_ms = 5;
    families.six.push_back(member);
    families.gpu["dynamic_ofa"].push_back({50, 0.70});
  }
  families.gpu["autoslim_mnasnet"] = {{60, 0.70}, {80, 0.71}, {120, 0.74}};
  const std::vector<Objectives> front = {{4, 0.72}, {6, 0.78}, {8, 0.80}};  // 40 ms 70 %, 60 ms 76 %, 80 ms 78 %
  const std::vector<Claim> derived = claims(front, families, "gpu");
  EXPECT_NEAR(*derived[0].derived, 120 / (40 + 20 * 4.0 / 6), 1e-9);  // 74 % lies between the first two
  EXPECT_NEAR(*derived[1].derived, 6, 1e-9);
  EXPECT_NEAR(*derived[1].least, *derived[1].most, 1e-9);
  EXPECT_NEAR(against_the_six(front, families, "gpu")[0].gain(), 0, 1e-9);
}

TEST(Published, OtherDesignSpacesAreRefused) {
  EXPECT_THROW(OfaEncoding(read_graph(std::string(LIMBER_NETWORKS) + "/shapes-incremental.json").space), Error);
}

}  // namespace
}  // namespace limber
