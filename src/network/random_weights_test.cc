// SPDX-License-Identifier: Apache-2.0
#include "network/random_weights.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "network/check.h"
#include "network/plain_evaluation.h"
#include "network/test_sessions.h"
#include "network/toy_networks.h"

namespace limber {
namespace {

bool same_bytes(const Tensor& a, const Tensor& b) {
  return a.shape == b.shape && std::memcmp(a.bytes.data(), b.bytes.data(), a.bytes.size()) == 0;
}

TEST(RandomWeights, EveryToyGetsTensorsThatFitItsFamily) {
  for (const Network& toy : {toy::groups(true), toy::fluid(), toy::ofa(), toy::early_exit(), toy::mixed()}) {
    const Network network = with_random_weights(toy.graph, toy.family);
    for (const Tensor& tensor : toy.tensors) {
      const Tensor* found = find_tensor(network, tensor.name);
      ASSERT_NE(found, nullptr) << toy.name << " " << tensor.name;
      const bool own = std::any_of(toy.family.begin(), toy.family.end(),  // a member's statistics may be longer
                                   [&](const Member& member) { return tensor.name.starts_with(member.name + "."); });
      if (own) {
        EXPECT_GE(found->shape[0], tensor.shape[0]) << toy.name << " " << tensor.name;
      } else {
        EXPECT_EQ(found->shape, tensor.shape) << toy.name << " " << tensor.name;
      }
    }
  }
}

TEST(RandomWeights, SeedAndNameDecide) {
  const Graph graph = toy::ofa().graph;
  const Network one = with_random_weights(graph), same = with_random_weights(graph);
  const Network other = with_random_weights(graph, {}, 2);
  ASSERT_EQ(one.tensors.size(), same.tensors.size());
  for (std::size_t i = 0; i < one.tensors.size(); ++i) {
    EXPECT_TRUE(same_bytes(one.tensors[i], same.tensors[i]));
    EXPECT_FALSE(same_bytes(one.tensors[i], other.tensors[i])) << one.tensors[i].name;
  }
  // Known from the first version: files and figures made with a seed can be made again.
  const Network tiny = with_random_weights(toy::groups(true).graph);
  float first = 0;
  std::memcpy(&first, tiny.tensors.front().bytes.data(), sizeof first);
  EXPECT_FLOAT_EQ(first, 0.19563094f);
}

TEST(RandomWeights, ActivationsStaySane) {
  const Network network = with_random_weights(toy::ofa().graph, toy::ofa().family);
  const auto model = toy::build(network);
  for (int member = 0; member < model->members(); ++member) {
    for (const auto& [node, values] : toy::maps_of(model, member, {}, toy::random_input(*model, member))) {
      double square = 0;
      for (const float value : values) square += static_cast<double>(value) * static_cast<double>(value);
      square /= static_cast<double>(values.size());
      EXPECT_GT(square, 1e-4) << node;
      EXPECT_LT(square, 1e2) << node;
    }
  }
}

TEST(RandomWeights, RefusesWhatMakesNoNetwork) {
  Graph graph = toy::ofa().graph;
  EXPECT_THROW(with_random_weights(graph, {{"wrong", {1, 2, 3}, {}, {}}}), Error);
  graph.nodes.clear();
  EXPECT_THROW(with_random_weights(graph), Error);
}

}  // namespace
}  // namespace limber
