// SPDX-License-Identifier: Apache-2.0
// When frames come, and how much work each is. Layer: tool.
#pragma once
#include <vector>

#include "tool/simulate/scenario.h"

namespace limber::tool {

struct ArrivingFrame {
  double ms = 0;
  double work = 1;  // times the median's
};

// Of the application's whole life within the scenario, ascending. The same scenario, application and seed give the same
// frames, whatever policy serves them; recorded ones are those of the file, whatever the seed. Fails with kBadFile
// (kNotFound, kIo) on a trace that is none, naming the line.
std::vector<ArrivingFrame> arriving_frames(const Scenario& scenario, std::size_t application, uint64_t seed);

// Frames a second, on average.
double mean_rate_hz(const Arrivals& arrivals);

}  // namespace limber::tool
