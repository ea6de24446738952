// SPDX-License-Identifier: Apache-2.0
// Importance sorting: the channels that matter most come first, so that prefixes keep them. Includes torch.
// Layer: train.
#pragma once
#include "train/interpreter.h"

namespace limber::train {

// Permutes the channels of everything whose width the design space chooses, in `weights` (whole tensors): those with
// the largest L1 norm of the weights that read them come first (Cai et al., Once-for-All, 2020). Producers,
// normalisation, depthwise convolutions and residual sums move together, so the largest network answers as before (up
// to the order of its sums). Left alone: channels of which something reads a part of its own. Returns how many sets of
// channels were sorted.
int64_t sort_channels(const Graph& graph, Tensors& weights);

}  // namespace limber::train
