// SPDX-License-Identifier: Apache-2.0
// Where a sub-network can be cut in two. Layer: design.
#pragma once
#include <cstddef>
#include <vector>

#include "network/network.h"
#include "network/sub_network.h"

namespace limber {

// Positions in sub.nodes, ascending, after which all that is left to compute reads just that one node (and what comes
// after it): everything before reaches the rest through one tensor. The input and the answer are among them. O(nodes +
// inputs).
std::vector<std::size_t> cut_points(const SubNetwork& sub);

// The part of a sub-network between two cuts as a network of its own, with one member "part" and no dimensions: it
// reads the output of `from` (images, if that is the input) and answers with the output of `to`. raw: `to`, a
// convolution or linear node, answers as it is before its norm, residual and activation. `norms` replace the nodes' own
// statistics, as Member::norms do. Tensors are shared with `network`, not copied; preprocessing is the network's for
// images. Fails with kUnsupported where the sub-network has run-time symbols or state. from < to; `from` must be a cut
// point.
Network part_network(const Network& network, const SubNetwork& sub,
                     const std::vector<std::pair<std::string, Norm>>& norms, std::size_t from, std::size_t to,
                     bool raw);

}  // namespace limber
