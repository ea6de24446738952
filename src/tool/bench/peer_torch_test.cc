// SPDX-License-Identifier: Apache-2.0
// libtorch, told to compute the toy networks, answers what Limber answers, in every form; what it cannot do is named.
#include "tool/bench/peer_torch.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/error.h"
#include "network/session.h"
#include "network/toy_networks.h"

namespace limber::tool {
namespace {

bool multiplies(const Network& network) {
  return std::any_of(network.graph.nodes.begin(), network.graph.nodes.end(),
                     [](const Node& node) { return node.op == Op::kMultiply; });
}

TEST(TorchPeer, AgreesWithLimberOnEveryToy) {
  for (const Network& network :
       {toy::groups(false), toy::groups(true), toy::fluid(), toy::ofa(), toy::early_exit(), toy::mixed()}) {
    ModelOptions options;
    options.use_cache = false;
    const auto model = Model::build(network, options);
    Session session(model);
    for (int m = 0; m < model->members(); ++m) {
      const Member& member = model->member(m);
      for (const TorchForm form : {TorchForm::kFrozen, TorchForm::kOptimised}) {
        SCOPED_TRACE(network.name + " " + member.name + (form == TorchForm::kFrozen ? " frozen" : " optimised"));
        if (form == TorchForm::kOptimised && multiplies(network)) continue;  // libtorch 1.13 then answers wrongly
        TorchPeer peer(network, member, form, {0});
        const std::span<float> input = peer.input();
        for (std::size_t i = 0; i < input.size(); ++i) input[i] = static_cast<float>(i * 37 % 101) / 50 - 1;
        std::vector<float> answers(peer.output().size());
        session.select(m);
        session.infer({1, {}, input}, answers);
        peer.run();
        for (std::size_t i = 0; i < answers.size(); ++i) EXPECT_NEAR(answers[i], peer.output()[i], 1e-4) << i;
      }
    }
  }
}

TEST(TorchPeer, NamesWhatItCannotDo) {
  const Network decoder = toy::decoder();
  try {
    TorchPeer(decoder, decoder.family.front(), TorchForm::kFrozen, {0});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
    EXPECT_NE(std::string(error.what()).find("libtorch: node '"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace limber::tool
