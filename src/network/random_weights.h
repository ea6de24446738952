// SPDX-License-Identifier: Apache-2.0
// Weights for an architecture that was never trained: its speed and memory can be measured, not its accuracy. Layer:
// network.
#pragma once
#include <cstdint>
#include <vector>

#include "network/network.h"

namespace limber {

// A network of this graph with fp32 weights drawn from `seed`: the same bytes on every machine, and a tensor's values
// depend on its name, its shape and the seed alone. Values are scaled, and norms hold the statistics that follow, such
// that activations stay near 1 however deep the network is; a kernel transform is nearly the plain crop. Tensors have
// the extents that the largest choice, the smallest one and all that differ from either in one dimension need, and the
// family. family empty: one member, "largest". Fails when the graph or a member's choice does.
// Some milliseconds a million weights.
Network with_random_weights(Graph graph, std::vector<Member> family = {}, uint64_t seed = 1);

}  // namespace limber
