// SPDX-License-Identifier: Apache-2.0
// oneDNN, told to compute the toy networks, answers what Limber answers, in every layout; what it cannot do is named.
#include "tool/bench/peer_onednn.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "network/session.h"
#include "network/sub_network.h"
#include "network/toy_networks.h"
#include "tool/bench/onednn_program.h"

namespace limber::tool {
namespace {

// Whether a graph reads parts of a producer's channels, which the peer refuses.
bool slices(const Network& network, const Member& member) {
  const SubNetwork sub = resolve(network.graph, member.choice);
  for (const SubNode& part : sub.nodes) {
    for (const Range& range : part.inputs) {
      if (range.from != 0 || range.count != sub.of(range.node).channels) return true;
    }
  }
  return false;
}

TEST(OneDnnPeer, AgreesWithLimberOnEveryToy) {
  int compared = 0;
  for (const Network& network :
       {toy::groups(false), toy::groups(true), toy::fluid(), toy::ofa(), toy::early_exit(), toy::mixed()}) {
    ModelOptions options;
    options.use_cache = false;
    const auto model = Model::build(network, options);
    Session session(model);
    for (int m = 0; m < model->members(); ++m) {
      const Member& member = model->member(m);
      for (const OneDnnLayout layout : {OneDnnLayout::kBlocked16, OneDnnLayout::kAny}) {
        SCOPED_TRACE(network.name + " " + member.name);
        if (slices(network, member)) {
          EXPECT_THROW(OneDnnPeer(network, member, layout, {0}), Error);
          continue;
        }
        OneDnnPeer peer(network, member, layout, {0});
        const std::span<float> input = peer.input();
        for (std::size_t i = 0; i < input.size(); ++i) input[i] = static_cast<float>(i * 37 % 101) / 50 - 1;
        std::vector<float> answers(peer.output().size());
        session.select(m);
        session.infer({1, {}, input}, answers);
        peer.run();
        peer.run();  // nothing is used up by the first
        for (std::size_t i = 0; i < answers.size(); ++i) EXPECT_NEAR(answers[i], peer.output()[i], 1e-4) << i;
        ++compared;
      }
    }
  }
  EXPECT_GE(compared, 10);
}

TEST(OneDnnPeer, NamesWhatItCannotDo) {
  const Network decoder = toy::decoder();
  try {
    OneDnnPeer(decoder, decoder.family.front(), OneDnnLayout::kAny, {0});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
    EXPECT_NE(std::string(error.what()).find("oneDNN: node '"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace limber::tool
