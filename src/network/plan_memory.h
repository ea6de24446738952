// SPDX-License-Identifier: Apache-2.0
// Where a plan's tensors lie. Layer: network.
#pragma once
#include "network/plan.h"

namespace limber {

// Chooses halos, lifetimes and offsets of all tensors, and with them the size of the arena and of what is kept per
// image. The plan's steps, inputs and segments must be final. O(tensors^2), at load.
void lay_out(Plan& plan);

}  // namespace limber
