// SPDX-License-Identifier: Apache-2.0
// A checkpoint's tensors become a network of a known architecture. Layer: formats.
#pragma once
#include <string>
#include <vector>

#include "formats/checkpoint.h"
#include "formats/name_mapping.h"
#include "network/network.h"

namespace limber {

// Every tensor of the graph must be there in its shape (extents of 1 at the end do not count), and every floating-point
// tensor of the checkpoint must be one of the graph's or on the mapping's list to ignore: else kBadFile names the first
// few and says how many. Tensors are shared with the checkpoint, those to transpose copied; values must be finite. The
// family's statistics are the super-network's. Fails with kInvalidArgument on a wrong mapping or an illegal choice;
// `where` opens messages about the checkpoint.
Network import_checkpoint(const Checkpoint& checkpoint, const Graph& graph, const NameMapping& mapping,
                          std::vector<Member> family, const std::string& where);

// Members from "NAME:CHOICE" or "CHOICE" (as parse_choice() reads it; then named "1", "2", ...), cheapest first. None
// given: "smallest" and "largest", or "all" where these are the same.
std::vector<Member> members_of(const Graph& graph, const std::vector<std::string>& choices);

}  // namespace limber
