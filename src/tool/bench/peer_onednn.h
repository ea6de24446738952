// SPDX-License-Identifier: Apache-2.0
// oneDNN as a peer of `limber bench`. Layer: tool; built where libdnnl-dev was found.
#pragma once
#include <memory>
#include <vector>

#include "network/network.h"
#include "tool/bench/peer_session.h"

namespace limber::tool {

enum class OneDnnLayout;

// A member as a chain of primitives in fp32, everything fused that oneDNN fuses; with several cores one OpenMP thread
// each. Fails with kUnsupported naming what oneDNN lacks.
std::unique_ptr<PeerSession> make_onednn_peer(const Network& network, const Member& member, OneDnnLayout layout,
                                              const std::vector<int>& cores);

}  // namespace limber::tool
