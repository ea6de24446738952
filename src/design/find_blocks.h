// SPDX-License-Identifier: Apache-2.0
// Which blocks a design space has, and few sub-networks that have them all. Layer: design.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "design/block_table.h"

namespace limber {

// Every block shape that a choice of this graph can make, with a choice that makes it: found from random choices and,
// from each choice that showed something new, by changing one dimension at a time, until nothing new turns up.
// Deterministic for a seed. Fails with kUnsupported when there are more than 100,000. Some 50 us for each choice looked
// at: shapes times the values of all dimensions.
std::map<std::string, Choice> find_blocks(const Graph& graph, uint64_t seed);

// Few choices that have all these blocks between them: from those given and from mixtures of them, each time the one
// with the most blocks that are still missing.
std::vector<Choice> covering_choices(const Graph& graph, const std::map<std::string, Choice>& blocks, uint64_t seed);

}  // namespace limber
