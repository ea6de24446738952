// SPDX-License-Identifier: Apache-2.0
#include "network/check.h"

#include <gtest/gtest.h>

#include <functional>

#include "base/error.h"
#include "network/model.h"
#include "network/sub_network.h"
#include "network/toy_networks.h"

namespace limber {
namespace {

// check() refuses, and says each of these words.
void expect_refused(const Network& network, const std::vector<const char*>& words) {
  try {
    check(network);
    FAIL() << "accepted; expected a refusal with '" << words.front() << "'";
  } catch (const Error& error) {
    EXPECT_TRUE(error.code() == ErrorCode::kBadFile || error.code() == ErrorCode::kUnsupported) << error.what();
    for (const char* word : words) {
      EXPECT_NE(std::string(error.what()).find(word), std::string::npos)
          << "'" << word << "' is not in: " << error.what();
    }
  }
}

Node& node(Network& network, const std::string& name) {
  for (Node& each : network.graph.nodes) {
    if (each.name == name) return each;
  }
  throw std::runtime_error("no node " + name);
}

struct Damage {
  const char* name;
  std::function<void(Network&)> change;
  std::vector<const char*> words;
};

TEST(Check, AcceptsTheToys) {
  for (const Network& network : {toy::groups(true), toy::groups(false), toy::fluid(), toy::ofa(), toy::decoder(),
                                 toy::early_exit(), toy::mixed()}) {
    EXPECT_NO_THROW(check(network)) << network.name;
  }
}

TEST(Check, RefusesHostileGraphsNamingThePlace) {
  constexpr int64_t kHuge = int64_t{1} << 62;
  const std::vector<Damage> damages = {
      {"cycle", [](Network& n) { node(n, "conv1.g0").inputs[0].node = 9; }, {"conv1.g0", "node 9", "before it"}},
      {"self", [](Network& n) { node(n, "conv0.g0").inputs[0].node = 1; }, {"conv0.g0"}},
      {"negative input", [](Network& n) { node(n, "conv0.g0").inputs[0].node = -7; }, {"conv0.g0", "-7"}},
      {"same name", [](Network& n) { node(n, "conv0.g1").name = "conv0.g0"; }, {"conv0.g0", "twice"}},
      {"no name", [](Network& n) { node(n, "conv0.g1").name = ""; }, {"node 2", "name"}},
      {"no nodes", [](Network& n) { n.graph.nodes.clear(); }, {"no nodes"}},
      {"zero channels", [](Network& n) { node(n, "conv0.g0").channels = 0; }, {"conv0.g0", "channels is 0", "1 to"}},
      {"huge channels", [](Network& n) { node(n, "conv0.g0").channels = kHuge; }, {"conv0.g0", "legal"}},
      {"huge image", [](Network& n) { node(n, "input").height = kHuge; }, {"input", "height"}},
      {"large image", [](Network& n) { node(n, "input").height = node(n, "input").width = 60000; }, {"input", "bytes"}},
      {"no height", [](Network& n) { node(n, "input").height = 0; }, {"input", "height is 0"}},
      {"stride 0", [](Network& n) { node(n, "conv1.g0").stride = 0; }, {"conv1.g0", "stride is 0"}},
      {"huge stride", [](Network& n) { node(n, "conv1.g0").stride = kHuge; }, {"conv1.g0", "stride"}},
      {"kernel 0", [](Network& n) { node(n, "conv1.g0").kernel = 0; }, {"conv1.g0", "kernel is 0"}},
      {"wrong kernel", [](Network& n) { node(n, "conv1.g0").kernel = 5; }, {"conv1.g0", "kernel of 5", "no transform"}},
      {"kernel too large",
       [](Network& n) {
         node(n, "conv1.g0").kernel = 99;
         node(n, "conv1.g0").padding = 0;
       },
       {"conv1.g0", "99"}},
      {"huge padding", [](Network& n) { node(n, "conv1.g0").padding = 200; }, {"conv1.g0", "padding 200"}},
      {"slice too long",
       [](Network& n) { node(n, "conv1.g0").inputs[0].count = 21; },
       {"conv1.g0", "conv0.g0", "1 to 20"}},
      {"slice too far", [](Network& n) { node(n, "conv1.g0").inputs[0].from = 20; }, {"conv1.g0", "0 to 19"}},
      {"weight slice",
       [](Network& n) { node(n, "conv1.g0").inputs[0].weight_from = 1; },
       {"conv1.g0", "1 to 21", "20"}},
      {"output slice",
       [](Network& n) { node(n, "conv0.g0").channels_from = 1; },
       {"conv0.g0", "output channels 1 to 21"}},
      {"no weight", [](Network& n) { node(n, "conv0.g0").weight = "absent"; }, {"conv0.g0", "absent"}},
      {"norm size",
       [](Network& n) { node(n, "conv0.g0").norm->mean = "logits.bias"; },
       {"conv0.g0", "logits.bias", "[10]", "[20]"}},
      {"norm on pool", [](Network& n) { node(n, "pool.g0").norm = Norm{}; }, {"pool.g0"}},
      {"epsilon", [](Network& n) { node(n, "conv0.g0").norm->epsilon = NAN; }, {"conv0.g0", "epsilon"}},
      {"residual", [](Network& n) { node(n, "conv1.g0").residual = 1; }, {"conv1.g0", "residual", "conv0.g0"}},
      {"dimension", [](Network& n) { node(n, "conv1.g0").when[0].dimension = 3; }, {"conv1.g0", "dimension 3"}},
      {"presence", [](Network& n) { node(n, "conv1.g0").when[0].choices = {8}; }, {"conv1.g0", "groups=8", "1, 2, 3"}},
      {"table",
       [](Network& n) {
         node(n, "conv0.g0").channels = toy::table(0, {{1, 20}});
       },
       {"conv0.g0", "channels", "table"}},
      {"table key",
       [](Network& n) {
         node(n, "conv0.g0").channels = toy::table(0, {{1, 20}, {2, 20}, {7, 20}});
       },
       {"conv0.g0", "groups=7"}},
      {"table value",
       [](Network& n) {
         node(n, "conv0.g0").channels = toy::table(0, {{1, 20}, {2, 20}, {3, -1}});
       },
       {"conv0.g0", "-1"}},
      {"symbol", [](Network& n) { node(n, "input").height.symbol = 4; }, {"input", "symbol 4"}},
      {"dtype of an edge", [](Network& n) { node(n, "conv0.g0").edge.dtype = DType::kI8; }, {"conv0.g0", "I8", "F32"}},
      {"no choices", [](Network& n) { n.graph.space.dimensions[0].choices.clear(); }, {"groups"}},
      {"choices",
       [](Network& n) {
         n.graph.space.dimensions[0].choices = {1, 1, 2};
       },
       {"groups", "ascend"}},
      {"no family", [](Network& n) { n.family.clear(); }, {"members"}},
      {"member's choice", [](Network& n) { n.family[1].choice = {9}; }, {"member '2'", "9 is not a choice", "1, 2, 3"}},
      {"member's values",
       [](Network& n) {
         n.family[1].choice = {1, 1};
       },
       {"member '2'", "2 values"}},
      {"members' names", [](Network& n) { n.family[1].name = "1"; }, {"twice"}},
      {"member's norm",
       [](Network& n) { n.family[1].norms.emplace_back("nowhere", Norm{}); },
       {"member '2'", "nowhere"}},
      {"tensor twice", [](Network& n) { n.tensors.push_back(n.tensors[0]); }, {"twice"}},
      {"tensor's bytes",
       [](Network& n) { n.tensors[0].bytes = n.tensors[0].bytes.subspan(4); },
       {"conv0.g0.weight", "bytes"}},
      {"tensor's shape",
       [](Network& n) {
         n.tensors[0].shape = {kHuge, kHuge};
       },
       {"conv0.g0.weight", "legal"}},
      {"tensor's zero", [](Network& n) { n.tensors[0].shape = {0}; }, {"conv0.g0.weight", "legal"}},
      {"int8 weights",
       [](Network& n) {
         n.tensors[0].dtype = DType::kI8;
         n.tensors[0].bytes = n.tensors[0].bytes.first(n.tensors[0].bytes.size() / 4);
       },
       {"I8"}},
      {"deviation", [](Network& n) { n.preprocessing.deviation[1] = 0; }, {"preprocessing", "deviation of 0"}},
      {"means", [](Network& n) { n.preprocessing.mean.pop_back(); }, {"preprocessing"}},
      {"crop", [](Network& n) { n.preprocessing.crop = 1.5; }, {"preprocessing", "crop is 1.5"}},
      {"operator", [](Network& n) { node(n, "pool.g0").op = static_cast<Op>(99); }, {"pool.g0", "operator 99"}},
  };
  for (const Damage& damage : damages) {
    SCOPED_TRACE(damage.name);
    Network network = toy::groups(false);
    damage.change(network);
    expect_refused(network, damage.words);
    EXPECT_THROW(Model::build(network), Error);
  }
}

TEST(Check, RefusesDamageToOtherKinds) {
  Network ofa = toy::ofa();
  node(ofa, "block0.depthwise").transforms[1].from = 5;
  node(ofa, "block0.depthwise").transforms[1].to = 4;
  expect_refused(ofa, {"block0.depthwise", "5", "4"});
  ofa = toy::ofa();
  node(ofa, "block0.depthwise").transforms.pop_back();
  expect_refused(ofa, {"member 'small'", "block0.depthwise", "kernel of 3"});
  ofa = toy::ofa();
  node(ofa, "block0.depthwise").transforms[0].matrix = "block0.5to3";
  expect_refused(ofa, {"block0.depthwise", "block0.5to3", "[25, 25]"});
  ofa = toy::ofa();
  ofa.family[0].norms[0].first = "block1.expand";
  expect_refused(ofa, {"block1.expand", "not part of it"});

  Network decoder = toy::decoder();
  node(decoder, "layer0.attention").heads = 5;
  expect_refused(decoder, {"layer0.attention", "5 heads", "24"});
  decoder = toy::decoder();
  decoder.graph.symbols[1].maximum = int64_t{1} << 40;
  expect_refused(decoder, {"past"});
  decoder = toy::decoder();
  node(decoder, "layer0.attention").state->symbol = 2;
  expect_refused(decoder, {"layer0.attention", "symbol 2"});

  Network mixed = toy::mixed();
  node(mixed, "grouped").groups = 5;
  expect_refused(mixed, {"grouped", "5 groups"});
}

TEST(Check, AnIllegalSubNetworkIsRefusedWithTheLegalValues) {
  const Network network = toy::ofa();
  EXPECT_NO_THROW(check_sub_network(network, {7, 2, 2}));
  try {
    check_sub_network(network, {4, 2, 2});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    EXPECT_STREQ(error.what(), "dimension 'kernel': 4 is not a choice; legal: 3, 5, 7");
  }
}

TEST(SubNetwork, LeavesOutWhatTheChoiceDoesNotNeed) {
  const Network network = toy::groups(true);
  EXPECT_EQ(resolve(network.graph, {1}).nodes.size(), 6u);  // input, two convolutions, pool, logits, probabilities
  EXPECT_EQ(resolve(network.graph, {3}).nodes.size(), 12u);
  const SubNetwork sub = resolve(network.graph, {2});
  int64_t macs = 0;
  for (const SubNode& part : sub.nodes) macs += part.macs;
  EXPECT_EQ(sub.macs, macs);
  EXPECT_EQ(sub.macs, 2 * 144 * 20 * 27 + 36 * 20 * (20 + 40) * 9 + 10 * 40);
}

}  // namespace
}  // namespace limber
