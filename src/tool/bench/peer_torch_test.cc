// SPDX-License-Identifier: Apache-2.0
// libtorch, told to compute the toy networks, answers what Limber answers, in every form; what it cannot do is named.
#include "tool/bench/peer_torch.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/error.h"
#include "tool/bench/test_peers.h"

namespace limber::tool {
namespace {

bool multiplies(const Network& network) {
  return std::any_of(network.graph.nodes.begin(), network.graph.nodes.end(),
                     [](const Node& node) { return node.op == Op::kMultiply; });
}

TEST(TorchPeer, AgreesWithLimberOnEveryToy) {
  for (const TorchForm form : {TorchForm::kFrozen, TorchForm::kOptimised}) {
    const int compared = expect_same_answers([form](const Network& network, const Member& member) {
      // libtorch 1.13 optimises multiplications wrongly.
      if (form == TorchForm::kOptimised && multiplies(network)) return std::unique_ptr<PeerSession>();
      return make_torch_peer(network, member, form, std::vector<int>{0});
    });
    EXPECT_GE(compared, 10);
  }
}

TEST(TorchPeer, NamesWhatItCannotDo) {
  const Network decoder = toy::decoder();
  try {
    make_torch_peer(decoder, decoder.family.front(), TorchForm::kFrozen, {0});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
    EXPECT_NE(std::string(error.what()).find("libtorch: node '"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace limber::tool
