// SPDX-License-Identifier: Apache-2.0
// Whole networks of random operators and shapes: every node of both members against plain loops, on every ISA.
#include <gtest/gtest.h>

#include <cstdlib>

#include "network/plain_evaluation.h"
#include "network/random_network.h"
#include "network/test_sessions.h"

namespace limber {
namespace {

using toy::Maps;

unsigned seeds() {  // emulators ask for fewer
  const char* count = std::getenv("LIMBER_TEST_SHAPES");
  return count ? static_cast<unsigned>(std::atoi(count)) : 60;
}

class RandomNetworks : public testing::TestWithParam<std::string> {};

TEST_P(RandomNetworks, EveryNodeIsWhatPlainLoopsSayAndCoresChangeNoBit) {
  for (unsigned seed = 0; seed < seeds(); ++seed) {
    SCOPED_TRACE(seed);
    const auto model = toy::build(toy::RandomNetwork(seed).build(), GetParam());
    const std::vector<float> input = toy::random_input(*model);
    toy::PlainEvaluation oracle(model->network());
    for (int member = 0; member < 2; ++member) {
      const Maps maps = toy::maps_of(model, member, {}, input);
      oracle.run(model->member(member), input);
      for (const auto& [node, values] : maps) {
        const std::vector<double>& expected = oracle.outputs.at(node).values;
        ASSERT_EQ(values.size(), expected.size()) << node;
        for (std::size_t i = 0; i < values.size(); ++i) {
          ASSERT_NEAR(values[i], expected[i], 1e-4 * std::max(1.0, std::abs(expected[i]))) << node << " value " << i;
        }
      }
      if (seed % 12 == 0) {
        EXPECT_EQ(maps, toy::maps_of(model, member, available_cores(), input));
      }
    }
  }
}

// Whether the channels that the narrow member has are the first of the wide one's and read the same numbers.
bool same_prefix(const Graph& graph, const Node& node, const Maps& narrow, const Maps& wide,
                 const std::map<std::string, bool>& known) {
  if (node.op == Op::kInput) return true;
  const bool dense = node.op == Op::kConv2d && !node.depthwise;
  if (node.op == Op::kLinear || node.op == Op::kSoftmax || node.inputs.size() != 1 ||
      node.inputs[0].from.constant != 0 || node.groups.constant != 1 || !node.groups.by.empty()) {
    return false;
  }
  const auto name = [&](int index) { return graph.nodes[static_cast<std::size_t>(index)].name; };
  const std::string in = name(node.inputs[0].node);
  if (!known.at(in) || (node.residual >= 0 && !known.at(name(node.residual)))) return false;
  return !dense || (narrow.count(in) != 0 && narrow.at(in).size() == wide.at(in).size());
}

TEST_P(RandomNetworks, ANarrowLayersBitsAreTheFirstOfTheWideOnes) {
  int compared = 0;
  for (unsigned seed = 0; seed < seeds(); ++seed) {
    SCOPED_TRACE(seed);
    const auto model = toy::build(toy::RandomNetwork(seed).build(), GetParam());
    const std::vector<float> input = toy::random_input(*model);
    const Maps narrow = toy::maps_of(model, 0, {}, input), wide = toy::maps_of(model, 1, {}, input);
    const Graph& graph = model->network().graph;
    std::map<std::string, bool> known;
    for (const Node& node : graph.nodes) {
      known[node.name] = same_prefix(graph, node, narrow, wide, known);
      if (!known[node.name] || narrow.count(node.name) == 0) continue;
      const std::vector<float>&few = narrow.at(node.name), &many = wide.at(node.name);
      ASSERT_LE(few.size(), many.size()) << node.name;
      EXPECT_TRUE(std::equal(few.begin(), few.end(), many.begin())) << node.name;
      compared += few.size() < many.size();
    }
  }
  EXPECT_GE(compared, static_cast<int>(seeds()) / 4) << "narrower layers that were compared";
}

// What the seeds above hold: else the tests say less than their names.
TEST(RandomNetwork, SeedsHoldEveryImageOperator) {
  std::map<std::string, int> found;
  for (unsigned seed = 0; seed < 60; ++seed) {
    const Network network = toy::RandomNetwork(seed).build();
    for (const Node& node : network.graph.nodes) {
      ++found[op_name(node.op)];
      if (node.op != Op::kConv2d) continue;
      const bool grouped = node.groups.constant != 1 || !node.groups.by.empty();
      ++found[node.depthwise ? "depthwise" : grouped ? "grouped" : "dense"];
      if (node.kernel.constant == 1 && !node.depthwise) ++found["1x1"];
      if (node.kernel.constant == 7) ++found["7x7"];
      if (node.kernel.constant % 2 == 0) ++found["even kernel"];
      if (node.stride > 1) ++found["stride"];
      if (node.residual >= 0) ++found["residual"];
      if (node.norm) ++found["norm"];
      if (!node.bias.empty()) ++found["bias"];
      ++found[activation_name(node.activation)];
      if (node.inputs.size() > 1) ++found["ranges"];
      if (node.inputs[0].from.constant > 0) ++found["slice"];
    }
  }
  for (const char* name : {"conv2d",   "linear",  "activation", "add",        "multiply",     "concat",
                           "max_pool", "softmax", "depthwise",  "grouped",    "average_pool", "global_average_pool",
                           "dense",    "1x1",     "7x7",        "stride",     "even kernel",  "residual",
                           "norm",     "bias",    "none",       "hard_swish", "relu",         "hard_sigmoid",
                           "ranges",   "slice"}) {
    EXPECT_GE(found[name], 5) << name;
  }
}

INSTANTIATE_TEST_SUITE_P(Isas, RandomNetworks, testing::ValuesIn(toy::isas()),
                         [](const auto& isa) { return isa.param; });

}  // namespace
}  // namespace limber
