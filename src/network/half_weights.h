// SPDX-License-Identifier: Apache-2.0
// Weights in half precision: which of a file's are kept so, and storing them so. Layer: network.
#pragma once
#include <set>
#include <string>
#include <vector>

#include "network/network.h"
#include "network/sub_network.h"

namespace limber {

// The names of dense weights that the file stores as F16 and that every member uses for one pixel only, so that
// fetching them is what costs (docs/decisions/half-weights.md). The kernels widen them exactly: no number changes.
std::set<std::string> half_weights(const Network& network, const std::vector<SubNetwork>& subs);

// How the weights of convolutions and linear layers are stored: "f32", "f16", or "f16 and f32".
std::string weight_formats(const Network& network);

// Stores the fp32 weights of convolutions and linear layers as F16, rounded to nearest; biases, normalisation and
// kernel transforms stay. Fails on a weight too large for F16, naming it; the network is unchanged then.
void store_as_half(Network* network);

}  // namespace limber
