// SPDX-License-Identifier: Apache-2.0
// What the tests of peers share: the toy networks, and whether a peer answers what Limber answers.
#pragma once
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <vector>

#include "network/session.h"
#include "network/toy_networks.h"
#include "tool/bench/peer_session.h"

namespace limber::tool {

// Every member of the toys that a peer may be asked for; `make` builds a peer for it, or null to leave it out. Returns
// how many peers were compared.
inline int expect_same_answers(
    const std::function<std::unique_ptr<PeerSession>(const Network& network, const Member& member)>& make) {
  int compared = 0;
  for (const Network& network :
       {toy::groups(false), toy::groups(true), toy::fluid(), toy::ofa(), toy::early_exit(), toy::mixed()}) {
    ModelOptions options;
    options.use_cache = false;
    const auto model = Model::build(network, options);
    Session session(model);
    for (int m = 0; m < model->members(); ++m) {
      SCOPED_TRACE(network.name + " " + model->member(m).name);
      const std::unique_ptr<PeerSession> peer = make(network, model->member(m));
      if (!peer) continue;
      const std::span<float> input = peer->input();
      for (std::size_t i = 0; i < input.size(); ++i) input[i] = static_cast<float>(i * 37 % 101) / 50 - 1;
      session.select(m);
      peer->run();
      peer->run();  // nothing is used up by the first
      std::vector<float> answers(peer->output().size());
      session.infer({1, {}, input}, answers);
      for (std::size_t i = 0; i < answers.size(); ++i) EXPECT_NEAR(answers[i], peer->output()[i], 1e-4) << i;
      ++compared;
    }
  }
  return compared;
}

}  // namespace limber::tool
