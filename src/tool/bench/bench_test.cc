// SPDX-License-Identifier: Apache-2.0
// The measurements themselves: who runs when, what is counted, and that layers add up.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <set>

#include "base/error.h"
#include "network/plan.h"
#include "network/toy_networks.h"
#include "platform/machine.h"
#include "tool/bench/latency.h"
#include "tool/bench/layers.h"
#include "tool/bench/peers.h"
#include "tool/bench/switching.h"

namespace limber::tool {
namespace {

std::shared_ptr<const Model> toy_model() {
  ModelOptions options;
  options.use_cache = false;
  return Model::build(toy::groups(true), options);
}

std::vector<int> one_core() {
  return {allowed_cpus().front()};
}

TEST(Latency, ContendersTakeTurnsAndMembersFollowOneAnother) {
  std::string order;
  const auto contender = [&](char mark) {
    return Contender{std::string(1, mark), [&order, mark](int member) {
                       order += mark;
                       order += static_cast<char>('0' + member);
                     }};
  };
  const Comparison result = compare({contender('a'), contender('b')}, {0, 2}, 0, false, 2);
  const std::string first =
      "a0a0a0a0a0a0b0b0b0b0b0b0a2a2a2a2a2a2b2b2b2b2b2b2"  // hot: one untimed, five timed
      "a2a0a2b2b0b2";                                     // in turns: the last member, untimed, then each
  const std::string second = "b0b0b0b0b0b0a0a0a0a0a0a0b2b2b2b2b2b2a2a2a2a2a2a2b2b0b2a2a0a2";
  EXPECT_EQ(order, first + second);
  for (const std::vector<Latency>& contenders : result.hot) {
    ASSERT_EQ(contenders.size(), 2u);
    for (const Latency& latency : contenders) {
      EXPECT_EQ(latency.ms.size(), 10u);
      EXPECT_EQ(latency.rounds.size(), 2u);
    }
  }
  EXPECT_EQ(result.round_robin[1][1].ms.size(), 2u);
}

TEST(Latency, RatiosArePaired) {
  // Round by round twice as long, while the machine's pace changes tenfold.
  EXPECT_EQ(paired_ratio({{}, {2, 20, 4}}, {{}, {1, 10, 2}}), 2);
  EXPECT_TRUE(std::isnan(paired_ratio({}, {})));
  const double disturbed = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(paired_ratio({{}, {disturbed, 20, 4}}, {{}, {1, disturbed, 2}}), 2);
}

TEST(Samples, DisturbedOnesAreLeftOutWhereThereAreOthers) {
  Samples samples;
  for (int i = 0; i < 4; ++i) samples.add({1.0 + i, true});
  samples.add({100, false});
  EXPECT_EQ(samples.values().size(), 5u);
  EXPECT_EQ(samples.left_out(), 0u);
  samples.add({5, true});
  EXPECT_EQ(samples.values(), (std::vector<double>{1, 2, 3, 4, 5}));
  EXPECT_EQ(samples.left_out(), 1u);
  EXPECT_EQ(samples.size(), 6u);
}

TEST(Layers, EveryNodeIsThereOnceAndWorkAddsUp) {
  const auto model = toy_model();
  const LayerTimes times = time_layers(model, one_core(), {0, 2}, 0);
  EXPECT_GT(times.peak_gflops, 0);
  ASSERT_EQ(times.members.size(), 2u);
  for (const MemberLayers& member : times.members) {
    int64_t macs = 0;
    std::set<std::string> nodes;
    for (const LayerTime& layer : member.layers) {
      EXPECT_TRUE(nodes.insert(layer.node).second) << layer.node;
      EXPECT_GT(layer.median_us, 0) << layer.node;
      EXPECT_EQ(layer.gflops > 0, layer.macs > 0) << layer.node;
      macs += layer.macs;
    }
    EXPECT_EQ(macs, model->macs(member.member));
    EXPECT_GT(member.share, 0);
    EXPECT_LT(member.share, 1);
  }
}

TEST(Switching, CostsNoAllocation) {
  Subject subject(toy_model(), one_core());
  const SwitchCost cost = measure_switch(subject, {0, 1, 2}, 0);
  EXPECT_EQ(cost.allocations_per_switch, 0);
  EXPECT_EQ(cost.allocations_per_inference, 0);
  EXPECT_GT(cost.select_ns, 0);
  ASSERT_EQ(cost.first_ratio.size(), 3u);
  EXPECT_GT(cost.worst_first_ratio, 0);
  EXPECT_EQ(measure_switch(subject, {1}, 0).worst_first_ratio, 0);
}

TEST(Peers, UnknownOnesAreRefusedAndAbsentOnesSayWhy) {
  Subject subject(toy_model(), one_core());
  EXPECT_THROW(find_peers({"nonsense"}, subject, {0}), Error);
  const Peers peers = find_peers({"onnxruntime"}, subject, {0, 2});
  EXPECT_EQ(peers.found.size() + peers.missing.size(), 1u);
  for (const auto& [name, reason] : peers.missing) EXPECT_FALSE(reason.empty()) << name;
  for (const Peer& peer : peers.found) EXPECT_EQ(peer.forms.size(), 2u);
}

}  // namespace
}  // namespace limber::tool
