// SPDX-License-Identifier: Apache-2.0
// A sub-network: the graph once a choice is made. Layer: network.
#pragma once
#include <cstdint>
#include <vector>

#include "network/graph.h"

namespace limber {

// Channels [from, from + count) of `node`'s output; they meet the weights' input channels from weight_from on.
struct Range {
  int node = -1;  // a present node
  int64_t from = 0, count = 0, weight_from = 0;
  bool operator==(const Range&) const = default;
};

// A node as this choice makes it. Numbers mean what they mean in Node.
struct SubNode {
  int node = -1;              // index into Graph::nodes
  std::vector<Range> inputs;  // absent producers dropped or bypassed
  int residual = -1;          // a present node or -1
  int64_t channels = 0, channels_from = 0;
  Resolved height;  // rows; only these may depend on a run-time symbol
  int64_t width = 0;
  int64_t kernel = 1, padding = 0, groups = 1;
  int64_t macs = 0;  // with symbols at their maximum

  int64_t input_channels() const {
    int64_t sum = 0;
    for (const Range& range : inputs) sum += range.count;
    return sum;
  }
};

// Only the nodes that the answer needs, in the graph's order; the last one is the answer. Plain data.
struct SubNetwork {
  Choice choice;
  std::vector<SubNode> nodes;
  std::vector<int> position;  // graph node -> index into nodes, or -1
  int64_t macs = 0;

  const SubNode& of(int node) const {
    return nodes[static_cast<std::size_t>(position[static_cast<std::size_t>(node)])];
  }
  const SubNode& answer() const { return nodes.back(); }
};

// Fails (naming node, what was found and what is legal) when the choice is not in the design space or makes an illegal
// network: slices outside their producers, shapes that do not meet, extents that are not positive, too much memory. The
// graph must have passed check(graph). answer: the graph node to answer with; -1: the last present one. O(nodes +
// inputs).
SubNetwork resolve(const Graph& graph, const Choice& choice, int answer = -1);

}  // namespace limber
