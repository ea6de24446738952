// SPDX-License-Identifier: Apache-2.0
// Random sub-networks. Layer: design.
#pragma once
#include <cstdint>
#include <vector>

#include "network/graph.h"

namespace limber {

// `count` different legal choices (fewer if the space has fewer), spread evenly over the logarithm of their
// multiply-accumulates: choosing every dimension by itself would make nearly all of them middling. The smallest and the
// largest found come first. The same for the same seed, on every machine. Cost: about 40 resolved choices for each one
// returned. Choices that make an illegal network are left out.
std::vector<Choice> sample_choices(const Graph& graph, int64_t count, uint64_t seed);

}  // namespace limber
