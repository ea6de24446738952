// SPDX-License-Identifier: Apache-2.0
#include "network/half_weights.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "base/half.h"
#include "kernels/kernels.h"
#include "network/test_sessions.h"
#include "network/toy_networks.h"

namespace limber {
namespace {

// The values of the F16 tensors, stored as fp32.
Network widened(Network network) {
  for (Tensor& tensor : network.tensors) {
    if (tensor.dtype != DType::kF16) continue;
    std::vector<float> values(tensor.bytes.size() / 2);
    for (std::size_t i = 0; i < values.size(); ++i) {
      uint16_t half;
      std::memcpy(&half, tensor.bytes.data() + 2 * i, 2);
      values[i] = half_to_float(half);
    }
    tensor = toy::tensor(tensor.name, tensor.shape, values);
  }
  return network;
}

class HalfWeightBits : public testing::TestWithParam<std::string> {};

TEST_P(HalfWeightBits, AnswerWithTheBitsOfTheSameValuesInFp32) {
  const bool takes = kernels::kernels(kernels::find_isa(GetParam())).half_weights;
  bool some = false;
  for (Network network : {toy::groups(true), toy::fluid(), toy::ofa(), toy::early_exit(), toy::mixed()}) {
    SCOPED_TRACE(network.name);
    store_as_half(&network);
    const auto half = toy::build(network, GetParam()), whole = toy::build(widened(network), GetParam());
    for (int member = 0; member < half->members(); ++member) {
      const std::vector<float> input = toy::random_input(*half, member);
      EXPECT_EQ(toy::maps_of(half, member, {}, input), toy::maps_of(whole, member, {}, input)) << "member " << member;
    }
    const bool has = !half_weights(network, {resolve(network.graph, network.family.back().choice)}).empty();
    EXPECT_EQ(half->memory().weights < whole->memory().weights, takes && has);
    some = some || has;
  }
  EXPECT_TRUE(some);
}

INSTANTIATE_TEST_SUITE_P(Isas, HalfWeightBits, testing::ValuesIn(toy::isas()),
                         [](const auto& isa) { return isa.param; });

// A weight stays so only where every member uses it for one pixel.
TEST(HalfWeights, AreThoseOfOnePixel) {
  toy::Builder b("one pixel");
  b.network.graph.space.dimensions = {{"width", {8, 16}}};
  const int image = b.input(16, 16, 16);
  int node = image;
  for (const char* name : {"image", "map"}) node = b.add(b.conv(name, {toy::Builder::from(node)}, 16, {16, 16, 3, 3}));
  node = b.add(toy::Builder::plain("mean", Op::kGlobalAveragePool, {toy::Builder::from(node)}));
  node = b.add(b.conv("mix", {toy::Builder::from(node)}, 16, {16, 16, 1, 1}));
  node = b.add(b.conv("logits", {toy::Builder::from(node)}, 10, {10, 16}, 1, Activation::kNone));
  b.member("all", {16});
  EXPECT_TRUE(half_weights(b.network, {resolve(b.network.graph, {16})}).empty());  // stored as fp32
  store_as_half(&b.network);
  EXPECT_EQ(half_weights(b.network, {resolve(b.network.graph, {16})}),
            (std::set<std::string>{"mix.weight", "logits.weight"}));
}

TEST(HalfWeights, StoringRoundsWeightsAndNothingElse) {
  Network network = toy::groups(false);
  const Network before = network;
  EXPECT_EQ(weight_formats(network), "f32");
  store_as_half(&network);
  EXPECT_EQ(weight_formats(network), "f16");
  for (std::size_t i = 0; i < network.tensors.size(); ++i) {
    const Tensor &old = before.tensors[i], &now = network.tensors[i];
    const bool weight = old.shape.size() > 1;
    EXPECT_EQ(now.dtype, weight ? DType::kF16 : DType::kF32) << now.name;
    if (!weight) {
      EXPECT_EQ(now.bytes.data(), old.bytes.data()) << now.name;
    } else {
      float value;
      uint16_t half;
      std::memcpy(&value, old.bytes.data() + 12, 4);
      std::memcpy(&half, now.bytes.data() + 6, 2);
      EXPECT_EQ(half, float_to_half(value));
    }
  }
}

TEST(HalfWeights, AWeightTooLargeIsNamedAndNothingChanges) {
  Network network = toy::groups(false);
  Tensor& logits = *std::find_if(network.tensors.begin(), network.tensors.end(),
                                 [](const Tensor& tensor) { return tensor.name == "logits.weight"; });
  logits = toy::tensor("logits.weight", logits.shape, std::vector<float>(logits.bytes.size() / 4, 1e6f));
  try {
    store_as_half(&network);
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("tensor 'logits.weight': 1000000 is too large for F16"), std::string::npos)
        << error.what();
  }
  for (const Tensor& tensor : network.tensors) EXPECT_EQ(tensor.dtype, DType::kF32) << tensor.name;
}

}  // namespace
}  // namespace limber
