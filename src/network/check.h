// SPDX-License-Identifier: Apache-2.0
// Everything is verified before it is used: files are not trusted. Layer: network.
#pragma once
#include "network/network.h"

namespace limber {

// The graph by itself: names, indices, tables, bounds. Fails with kBadFile naming the node, what was found and what is
// legal. Time and memory are linear in the size of the graph.
void check(const Graph& graph);

// The graph, the tensors, and every member of the family: shapes, dtypes, choices, statistics. Fails with kBadFile.
void check(const Network& network);

// One more choice of a checked network, e.g. from a command line: fails with kInvalidArgument.
void check_sub_network(const Network& network, const Choice& choice);

// nullptr if there is none. O(tensors): keep an index when looking up many.
const Tensor* find_tensor(const Network& network, const std::string& name);

}  // namespace limber
