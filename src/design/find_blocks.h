// SPDX-License-Identifier: Apache-2.0
// Which blocks a design space has, and few sub-networks that have them all. Layer: design.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "design/block_table.h"

namespace limber {

// Every block shape that a choice of this graph can make, with a choice that makes it: found from random choices, and
// by changing one dimension at a time of choices that together have every shape found, until nothing new turns up.
// Deterministic for a seed. Fails with kUnsupported when there are more than 100,000. Some 100 us for each choice
// looked at: the values of all dimensions, for each of the choices that have all shapes between them (a quarter of a
// minute for OFA-MobileNetV3 with its 25 resolutions).
std::map<std::string, Choice> find_blocks(const Graph& graph, uint64_t seed);

// Few choices that have all these blocks between them: from those given and from mixtures of them, each time the one
// with the most blocks that are still missing.
std::vector<Choice> covering_choices(const Graph& graph, const std::map<std::string, Choice>& blocks, uint64_t seed);

}  // namespace limber
