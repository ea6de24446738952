// SPDX-License-Identifier: Apache-2.0
// From a PyTorch checkpoint to a model file: what `import ofa`, `import torch` and `models get` share. Layer: tool.
#pragma once
#include <string>
#include <vector>

namespace limber::tool {

struct TorchImport {
  std::string checkpoint;            // path
  std::string source;                // where it came from, for the model's record; empty: not said
  std::string architecture;          // name or path of a graph
  std::string mapping;               // name or path; empty: the names are the graph's
  std::string entry;                 // see formats/checkpoint.h
  std::vector<std::string> members;  // see members_of(); empty: smallest and largest
  std::string weights;               // see weight_format.h
  std::string output;
  bool json = false;
};

// Writes the model file and says what it holds and what has to follow.
void import_torch(const TorchImport& options);

}  // namespace limber::tool
