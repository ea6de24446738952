// SPDX-License-Identifier: Apache-2.0
// Whole networks of random operators and shapes: every node of both members against plain loops, on every ISA.
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>

#include "base/thread_pool.h"
#include "kernels/isa.h"
#include "network/plain_evaluation.h"
#include "network/random_network.h"
#include "network/session.h"

namespace limber {
namespace {

using Maps = std::map<std::string, std::vector<float>>;

class RandomNetworks : public testing::TestWithParam<kernels::Isa> {
 protected:
  static unsigned seeds() {  // emulators and sanitizers ask for fewer
    const char* count = std::getenv("LIMBER_TEST_SHAPES");
    return count ? static_cast<unsigned>(std::atoi(count)) : 60;
  }
  std::shared_ptr<const Model> build(unsigned seed) const {
    ModelOptions options;
    options.isa = kernels::isa_name(GetParam());
    options.use_cache = false;
    return Model::build(toy::RandomNetwork(seed).build(), options);
  }
  static std::vector<float> input_of(const Model& model) {
    std::mt19937 random(5);
    std::vector<float> input(
        static_cast<std::size_t>(model.input_channels() * model.input_height() * model.input_width()));
    for (float& value : input) value = static_cast<float>(random() >> 8) / 8388608.0f - 1.0f;
    return input;
  }
  // All outputs of all nodes, by name.
  static Maps maps_of(const std::shared_ptr<const Model>& model, int member, const std::vector<int>& cores) {
    Maps maps;
    SessionOptions options;
    options.cores = cores;
    options.observe = [&](const std::string& node, std::span<const float> values) {
      maps[node] = {values.begin(), values.end()};
    };
    Session session(model, options);
    session.select(member);
    std::vector<float> answers(static_cast<std::size_t>(model->outputs(member)));
    const std::vector<float> input = input_of(*model);
    session.infer({1, {}, input}, answers);
    return maps;
  }
};

TEST_P(RandomNetworks, EveryNodeIsWhatPlainLoopsSayAndCoresChangeNoBit) {
  for (unsigned seed = 0; seed < seeds(); ++seed) {
    SCOPED_TRACE(seed);
    const auto model = build(seed);
    toy::PlainEvaluation oracle(model->network());
    for (int member = 0; member < 2; ++member) {
      const Maps maps = maps_of(model, member, {});
      oracle.run(model->member(member), input_of(*model));
      for (const auto& [node, values] : maps) {
        const std::vector<double>& expected = oracle.outputs.at(node).values;
        ASSERT_EQ(values.size(), expected.size()) << node;
        for (std::size_t i = 0; i < values.size(); ++i) {
          ASSERT_NEAR(values[i], expected[i], 1e-4 * std::max(1.0, std::abs(expected[i]))) << node << " value " << i;
        }
      }
      if (seed % 6 == 0) {
        EXPECT_EQ(maps, maps_of(model, member, available_cores()));
      }
    }
  }
}

// What the seeds above hold: else the test says less than its name.
TEST(RandomNetwork, SeedsHoldEveryImageOperator) {
  std::map<std::string, int> found;
  for (unsigned seed = 0; seed < 60; ++seed) {
    const Network network = toy::RandomNetwork(seed).build();
    for (const Node& node : network.graph.nodes) {
      const std::string name = op_name(node.op);
      ++found[name];
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
  for (const char* name : {"conv2d",      "linear",   "activation",   "add",          "multiply",
                           "concat",      "max_pool", "average_pool", "softmax",      "global_average_pool",
                           "depthwise",   "grouped",  "dense",        "1x1",          "7x7",
                           "even kernel", "stride",   "residual",     "norm",         "bias",
                           "none",        "relu",     "hard_swish",   "hard_sigmoid", "ranges",
                           "slice"}) {
    EXPECT_GE(found[name], 5) << name;
  }
}

INSTANTIATE_TEST_SUITE_P(Isas, RandomNetworks, testing::ValuesIn(kernels::attainable_isas()),
                         [](const auto& isa) { return kernels::isa_name(isa.param); });

}  // namespace
}  // namespace limber
