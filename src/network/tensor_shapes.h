// SPDX-License-Identifier: Apache-2.0
// The tensors that a graph wants, before there are any. Layer: network.
#pragma once
#include <string>
#include <vector>

#include "network/graph.h"

namespace limber {

struct TensorShape {
  std::string name;
  std::vector<int64_t> shape;
};

// Every tensor that the graph names, once, in the order of its nodes, with the extents that the super-network needs:
// those of the largest choice, the smallest one, all that differ from either in one dimension and those in `more`, with
// their exits. Choices that make no network count for nothing. The graph must have passed check(). O(choices of all
// dimensions * nodes * exits).
std::vector<TensorShape> tensor_shapes(const Graph& graph, const std::vector<Choice>& more = {});

}  // namespace limber
