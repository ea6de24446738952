// SPDX-License-Identifier: Apache-2.0
// Which tensor of a checkpoint is which tensor of a graph: mappings/*.json, documented in docs/importing.md. Layer:
// formats.
#pragma once
#include <regex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "network/network.h"

namespace limber {

// Plain data; safe to share read-only. Patterns are ECMAScript regular expressions, found anywhere in a name.
struct NameMapping {
  using Rewrite = std::pair<std::regex, std::string>;  // every match becomes the text, in which $1 is the first group

  std::vector<Rewrite> rename;     // of a checkpoint's names, one after another
  std::vector<Rewrite> alike;      // of both sides' names before they are compared: spellings that mean the same
  std::vector<std::regex> ignore;  // names of the checkpoint that are of no use
  std::vector<std::pair<std::regex, std::vector<int64_t>>> transpose;  // names of the graph; new axis i is old axes[i]
  Preprocessing preprocessing;  // what the network was trained with; empty: not said
};

// Fails with kBadFile naming the place and what is legal.
NameMapping parse_name_mapping(std::string_view text, const std::string& where);
NameMapping read_name_mapping(const std::string& path);

// The rewrites one after another. Names have at most 512 bytes (the standard library's matcher recurses over them).
// Fails with kInvalidArgument when an expression takes too much time or memory.
std::string rewrite(const std::vector<NameMapping::Rewrite>& rewrites, std::string name);

}  // namespace limber
