// SPDX-License-Identifier: Apache-2.0
// oneDNN, told to compute the toy networks, answers what Limber answers, in every layout; what it cannot do is named.
#include "tool/bench/peer_onednn.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "network/sub_network.h"
#include "tool/bench/onednn_program.h"
#include "tool/bench/test_peers.h"

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
  for (const OneDnnLayout layout : {OneDnnLayout::kBlocked16, OneDnnLayout::kAny}) {
    compared += expect_same_answers([layout](const Network& network, const Member& member) {
      if (!slices(network, member)) return make_onednn_peer(network, member, layout, std::vector<int>{0});
      EXPECT_THROW(make_onednn_peer(network, member, layout, {0}), Error);
      return std::unique_ptr<PeerSession>();
    });
  }
  EXPECT_GE(compared, 10);
}

TEST(OneDnnPeer, NamesWhatItCannotDo) {
  const Network decoder = toy::decoder();
  try {
    make_onednn_peer(decoder, decoder.family.front(), OneDnnLayout::kAny, {0});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
    EXPECT_NE(std::string(error.what()).find("oneDNN: node '"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace limber::tool
