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
class TorchPeer : public PeerSession {
 public:
  TorchPeer(const Network& network, const Member& member, TorchForm form, const std::vector<int>& cores);
  ~TorchPeer() override;

  std::span<float> input() override;
  std::span<const float> output() override;
  void run() override;
  const std::string& version() const override;
  const std::string& settings() const override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace limber::tool
