// SPDX-License-Identifier: Apache-2.0
// The architectures that ship: each parses and passes the checks, its choices make networks, and its costs are those
// that others published.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <random>

#include "formats/graph_json.h"
#include "network/check.h"
#include "network/plain_evaluation.h"
#include "network/random_weights.h"
#include "network/sub_network.h"
#include "network/test_sessions.h"

namespace limber {
namespace {

Graph shipped(const std::string& name) {
  return read_graph(std::string(LIMBER_NETWORKS) + "/" + name + ".json");
}

SubNetwork chosen(const Graph& graph, const std::string& text) {
  return resolve(graph, parse_choice(graph.space, text));
}

double mmacs(const Graph& graph, const std::string& text) {
  return static_cast<double>(chosen(graph, text).macs) * 1e-6;
}

// Of the whole super-network, as torch counts them: without norm statistics.
int64_t parameters(const Network& network) {
  int64_t count = 0;
  for (const Tensor& tensor : network.tensors) {
    const bool statistics = tensor.name.find("running_") != std::string::npos;
    if (!statistics) count += static_cast<int64_t>(tensor.bytes.size() / sizeof(float));
  }
  return count;
}

TEST(Networks, EveryShippedOneParsesAndItsChoicesMakeNetworks) {
  std::mt19937 random(1);
  int count = 0;
  for (const auto& file : std::filesystem::directory_iterator(LIMBER_NETWORKS)) {
    if (file.path().extension() != ".json") continue;
    const Graph graph = read_graph(file.path());  // check() included
    EXPECT_EQ(graph.name, file.path().stem());
    const SubNetwork smallest = resolve(graph, smallest_choice(graph.space));
    const SubNetwork largest = resolve(graph, largest_choice(graph.space));
    EXPECT_LE(smallest.macs, largest.macs) << graph.name;
    for (int i = 0; i < 20; ++i) {
      Choice choice;
      for (const Dimension& dimension : graph.space.dimensions)
        choice.push_back(dimension.choices[random() % dimension.choices.size()]);
      const int64_t macs = resolve(graph, choice).macs;
      EXPECT_GE(macs, smallest.macs) << graph.name << " " << to_string(graph.space, choice);
      EXPECT_LE(macs, largest.macs) << graph.name << " " << to_string(graph.space, choice);
    }
    ++count;
  }
  EXPECT_GE(count, 11);
}

// A design space so large that weights made from single choices could miss a combination: none does.
TEST(Networks, RandomWeightsFitRandomChoices) {
  std::mt19937 random(2);
  for (const char* name : {"ofa-mobilenetv3-w1.2", "ofa-resnet50", "cifar10-ofa", "cifar10-ofa-small", "shapes-ofa"}) {
    const Network network = with_random_weights(shipped(name));
    for (int i = 0; i < 20; ++i) {
      Choice choice;
      for (const Dimension& dimension : network.graph.space.dimensions)
        choice.push_back(dimension.choices[random() % dimension.choices.size()]);
      EXPECT_NO_THROW(check_sub_network(network, choice)) << name;
    }
  }
}

TEST(Networks, OfaMobileNetV3) {
  const Graph narrow = shipped("ofa-mobilenetv3-w1.0");
  EXPECT_EQ(narrow.space.dimensions.size(), 1u + 5 + 20 + 20);
  EXPECT_NEAR(mmacs(narrow, "d=2,e=3,k=3,r=128"), 83 / 2.0, 1);
  EXPECT_NEAR(mmacs(narrow, "d=3,e=4,k=5,r=176"), 320 / 2.0, 1);
  EXPECT_NEAR(mmacs(narrow, "d=4,e=6,k=7,r=224"), 1132 / 2.0, 1);
}

// Two of the six sub-networks of Dynamic-OFA (nets_6 of UoS-EEC/DynamicOFA): kernel and expansion of all 20 blocks.
std::string published(int resolution, const char* depths, const char* kernels, const char* expands) {
  std::string text = "resolution=" + std::to_string(resolution);
  for (std::size_t i = 0; i < 20; ++i) {
    const std::string stage = ",stage" + std::to_string(i / 4 + 1),
                      block = stage + ".block" + std::to_string(i % 4 + 1);
    if (i % 4 == 0) text += stage + ".depth=" + depths[i / 4];
    text += block + ".kernel=" + kernels[i] + block + ".expand=" + expands[i];
  }
  return text;
}

TEST(Networks, DynamicOfasSubNetworks) {
  const Graph wide = shipped("ofa-mobilenetv3-w1.2");
  EXPECT_NEAR(mmacs(wide, published(176, "32322", "57773557775353373377", "64464364644646464334")), 235, 1);
  EXPECT_NEAR(mmacs(wide, published(224, "44444", "55555773577777557555", "66666646646666666663")), 731, 1);
}

// The whole super-network with members of all depths, kernels and expansions, against plain loops in double precision;
// in few pixels, which these do in little time.
TEST(Networks, TheEngineAgreesWithPlainLoopsOnOfaMobileNetV3) {
  Graph graph = shipped("ofa-mobilenetv3-w1.0");
  graph.nodes.front().height = graph.nodes.front().width = 32;
  std::vector<Member> family;
  for (const char* text : {"d=2,e=3,k=3,r=128", "d=3,e=4,k=5,r=128", "d=4,e=6,k=7,r=128",
                           "d=4,e=6,k=7,r=128,stage2.d=2,stage3.k=3,stage4.block2.e=3,stage5.block1.k=5"}) {
    family.push_back({text, parse_choice(graph.space, text), {}, {}});
  }
  const Network network = with_random_weights(graph, family);
  const auto model = toy::build(network);
  for (int member = 0; member < model->members(); ++member) {
    SCOPED_TRACE(model->member(member).name);
    const std::vector<float> input = toy::random_input(*model, member);
    const toy::Maps found = toy::maps_of(model, member, {}, input);
    toy::PlainEvaluation plain(network);
    plain.run(model->member(member), input);
    for (const char* node : {"stage1.block2.project", "stage2.block2.scale", "stage5.block2.project", "logits"}) {
      const std::vector<double>& expected = plain.outputs.at(node).values;
      ASSERT_EQ(found.at(node).size(), expected.size()) << node;
      double largest = 0, difference = 0;
      for (std::size_t i = 0; i < expected.size(); ++i) {
        largest = std::max(largest, std::abs(expected[i]));
        difference = std::max(difference, std::abs(expected[i] - static_cast<double>(found.at(node)[i])));
      }
      EXPECT_GT(largest, 0.01) << node;
      EXPECT_LT(largest, 100) << node;
      EXPECT_LT(difference, 1e-5 * largest) << node;
    }
  }
  const Memory memory = model->memory();
  EXPECT_LE(static_cast<double>(memory.weights + memory.per_member + memory.arena),
            1.1 * static_cast<double>(memory.largest_alone));
}

TEST(Networks, ResNet50) {
  const Graph graph = shipped("resnet50");
  EXPECT_NEAR(mmacs(graph, "r=224"), 4089, 1);
  EXPECT_EQ(parameters(with_random_weights(graph)), 25557032);  // torchvision
}

}  // namespace
}  // namespace limber
