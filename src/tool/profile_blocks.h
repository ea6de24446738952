// SPDX-License-Identifier: Apache-2.0
// `limber profile --blocks`: the block table of a whole design space. Layer: tool.
#pragma once
#include <cstdint>
#include <string>

namespace limber::tool {

struct ProfileBlocks {
  std::string model;         // a model file, or
  std::string architecture;  // a graph of networks/ or a path, with random weights
  std::string output, check, core;
  double seconds = 20;
  int64_t checks = 20;
  bool json = false;
};

void profile_blocks(const ProfileBlocks& options);

}  // namespace limber::tool
