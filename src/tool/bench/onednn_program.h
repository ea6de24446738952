// SPDX-License-Identifier: Apache-2.0
// A member as calls of oneDNN's primitives. Layer: tool; an optional component (libdnnl-dev).
#pragma once
#include <dnnl.hpp>
#include <memory>
#include <unordered_map>
#include <vector>

#include "network/network.h"

namespace limber::tool {

// How activations lie between the calls: in blocks of 16 channels throughout, which suits networks with depthwise
// convolutions, or as each primitive likes best, with reorders where two disagree.
enum class OneDnnLayout { kBlocked16, kAny };

// Weights are reordered once, when this is built. Activations share a few buffers, each taken again when its last
// reader is done.
struct OneDnnProgram {
  struct Call {
    dnnl::primitive primitive;
    std::unordered_map<int, dnnl::memory> arguments;
  };
  dnnl::engine engine;
  dnnl::stream stream;
  std::vector<Call> calls;
  dnnl::memory input, output;  // plain fp32: [1][channels][height][width]
  std::vector<std::unique_ptr<std::byte[]>> buffers;
};

// Activations, norms and residuals are fused into the convolutions as oneDNN allows it (post-operations eltwise and
// sum). Fails with kUnsupported naming the node for what oneDNN 2.6 lacks or this does not map: attention, run-time
// symbols, parts of a producer's channels.
OneDnnProgram build_onednn(const Network& network, const Member& member, OneDnnLayout layout);

}  // namespace limber::tool
