// SPDX-License-Identifier: Apache-2.0
// Other people's work on a simulated board. Layer: tool.
#pragma once
#include "platform/simulated/simulated_board.h"
#include "tool/simulate/scenario.h"

namespace limber::tool {

// Its threads come and go by themselves from now on. The board must outlive what it has been given.
void add_stranger(const Stranger& stranger, double duration_s, SimulatedBoard* board);

}  // namespace limber::tool
