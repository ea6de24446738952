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
class OneDnnPeer : public PeerSession {
 public:
  OneDnnPeer(const Network& network, const Member& member, OneDnnLayout layout, const std::vector<int>& cores);
  ~OneDnnPeer() override;

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
