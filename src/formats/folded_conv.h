// SPDX-License-Identifier: Apache-2.0
// A member's weights as plain convolutions, for ONNX and for other runtimes. Layer: formats.
#pragma once
#include <cstdint>
#include <vector>

#include "network/network.h"
#include "network/sub_network.h"

namespace limber {

// Weights of one convolution, folded: [outputs][inputs][kernel][kernel] and a bias.
struct FoldedConv {
  std::vector<float> weight, bias;
  int64_t outputs = 0, inputs = 0, kernel = 1;
};

// The slice of a conv2d or linear node that `part` reads, kernel transforms applied, norm and bias folded in. Fails
// with kUnsupported on I8 weights.
FoldedConv fold_conv(const Network& network, const Member& member, const SubNode& part);

}  // namespace limber
