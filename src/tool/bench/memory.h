// SPDX-License-Identifier: Apache-2.0
// Memory of a family, measured from outside. Layer: tool.
#pragma once
#include <functional>

#include "network/network.h"
#include "platform/machine.h"

namespace limber::tool {

// Bytes by which a fresh process grew while it loaded models, packed their weights into private memory, opened a
// session for each, and answered one image with every member. Pages of the model file count in `all` only.
struct MemoryUse {
  ResidentMemory family;         // one model with all members
  ResidentMemory largest_alone;  // a model with the largest member only
  ResidentMemory separate;       // one model for each member, in one process
};

// Forks once for each figure and measures in the child: call it while this process has one thread and has not yet
// loaded much. A model of some members packs only the tensors that they read. Fails with kUnsupported when the system
// does not tell.
// load: makes the network, anew at each call.
MemoryUse measure_memory(const std::function<Network()>& load);

}  // namespace limber::tool
