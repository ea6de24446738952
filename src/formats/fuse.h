// SPDX-License-Identifier: Apache-2.0
// Joins the nodes of an imported graph that run as one kernel. Layer: formats.
#pragma once
#include "formats/weight_store.h"
#include "network/graph.h"

namespace limber {

// A normalisation or scaling of channels (a depthwise 1x1 convolution) goes into the convolution before it, a sum into
// the convolution whose output it alone reads, as residual; an activation into whatever makes its input. Values stay
// the same but for rounding. Nodes that the last one does not need are dropped. The graph has no design space yet:
// every node is present. Linear in the size of graph and weights.
void fuse(Graph& graph, WeightStore& weights);

}  // namespace limber
