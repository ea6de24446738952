// SPDX-License-Identifier: Apache-2.0
// What a sub-network costs, as `limber search` counts it. Layer: tool.
#pragma once
#include <functional>
#include <vector>

#include "formats/data_set.h"
#include "network/network.h"
#include "tool/search/options.h"

namespace limber::tool {

using Cost = std::function<double(const Graph&, const Choice&)>;

// MACs, or a block table's milliseconds or millijoules (docs/calibrating.md); without what the session does to an
// image before the network. Fails where the objective needs a table and there is none, or one of another machine.
Cost search_cost(const SearchOptions& options, const Network& network);

// Hot medians on one core of all choices in turns; resizing an image is part of each.
std::vector<double> measured_latencies(const Network& network, const std::vector<Choice>& choices, const Images& images,
                                       int core);

}  // namespace limber::tool
