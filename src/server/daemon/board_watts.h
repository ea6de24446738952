// SPDX-License-Identifier: Apache-2.0
// What a machine's processors take, from a board file. Layer: server.
#pragma once
#include <vector>

#include "platform/simulated/board.h"
#include "server/daemon/arbitration.h"

namespace limber::server {

// By name; at the board's point next to each clock, at 55 degrees Celsius, for ordinary code: how hard networks work a
// core is learnt from the meters. Fails with kInvalidArgument where the board lacks a processor, naming those it has.
void add_watts(const Board& board, std::vector<ArbitratedProcessor>* processors);

}  // namespace limber::server
