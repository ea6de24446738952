// SPDX-License-Identifier: Apache-2.0
// A member as the text of a TorchScript function, and the weights that it names. Knows nothing of libtorch. Layer:
// tool.
#pragma once
#include <string>
#include <vector>

#include "formats/folded_conv.h"
#include "network/network.h"

namespace limber::tool {

struct TorchScript {
  struct Weights {
    std::string name;  // self.NAME_weight and self.NAME_bias in the text
    FoldedConv conv;
    int64_t groups = 1;
  };
  std::string text;  // def forward(self, x): ...
  std::vector<Weights> weights;
  std::vector<int64_t> input, output;  // [1][channels][height][width]
};

// Fails with kUnsupported naming the node for attention and run-time symbols.
TorchScript torch_script(const Network& network, const Member& member);

}  // namespace limber::tool
