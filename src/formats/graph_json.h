// SPDX-License-Identifier: Apache-2.0
// A graph as JSON text, in networks/*.json and inside model files; the keys are documented in networks/README.md.
// Layer: formats.
#pragma once
#include <string>
#include <string_view>

#include "network/graph.h"

namespace limber {

// The result has passed check(). Unknown keys, names of nodes, dimensions and symbols are errors (kBadFile) that name
// the place (`where` opens the message, e.g. the file's path) and what is legal.
Graph parse_graph(std::string_view text, const std::string& where);

// Reads a file, e.g. of networks/.
Graph read_graph(const std::string& path);

// One line per node; parse_graph gives the same graph back.
std::string print_graph(const Graph& graph);

}  // namespace limber
