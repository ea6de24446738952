// SPDX-License-Identifier: Apache-2.0
// The beginning of a board file that does not exist yet. Layer: platform.
#pragma once
#include <string>
#include <vector>

#include "platform/simulated/board.h"
#include "platform/simulated/measurements.h"

namespace limber {

// No processors, no heat, no meters; every group of values says that it is not known.
Board new_board(const std::string& name, double memory_mb_per_s);

// Adds a CPU cluster whose operating points are the frequencies of its rows, at the mean of their volts. Its power is 0
// until it is fitted, its governor schedutil, its delays 0. Fails with kInvalidArgument where the board has a processor
// of that name or with one of the CPUs, where rows are missing, and naming the row that has no volt.
void add_processor(const std::string& name, const std::vector<int>& cpus, double capacity,
                   const Measurements& measurements, Board* board);

}  // namespace limber
