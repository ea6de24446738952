// SPDX-License-Identifier: Apache-2.0
// libtorch as a peer of `limber bench`. Layer: tool; built where libtorch was found (-DLIMBER_TRAIN=ON).
#pragma once
#include <memory>
#include <vector>

#include "network/network.h"
#include "tool/bench/peer_session.h"

namespace limber::tool {

// What TorchScript makes of a frozen module: nothing more, its activations with channels last; or what
// torch.jit.optimize_for_inference makes of it, which fuses and keeps activations in oneDNN's layouts.
enum class TorchForm { kFrozen, kOptimised };

// A member as a TorchScript module in fp32, norms and kernel transforms folded into the convolutions. Fails with
// kUnsupported naming the node for attention and run-time symbols.
std::unique_ptr<PeerSession> make_torch_peer(const Network& network, const Member& member, TorchForm form,
                                             const std::vector<int>& cores);

}  // namespace limber::tool
