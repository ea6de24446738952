// SPDX-License-Identifier: Apache-2.0
// Fits the thermal model (board.h) to a heating and cooling trace. Layer: platform.
#pragma once
#include <string>
#include <vector>

#include "platform/simulated/board.h"
#include "platform/simulated/measurements.h"

namespace limber {

struct ThermalFit {
  double ambient_c = 0, k_per_w = 0, tau_s = 0;
  int rows = 0;
  double seconds = 0;
  double mean_k = 0, worst_k = 0;  // absolute errors of the modelled temperatures
};

// Least squares of the temperatures, for the time constant that fits best; where it starts is free. Fails with
// kInvalidArgument saying what to measure when the trace does not determine the model: fewer than 10 rows, power or
// temperature hardly change, or it lasts less than two time constants. Costs milliseconds.
ThermalFit fit_thermal(const Measurements& measurements);

void store_thermal(const ThermalFit& fit, const std::string& date, const std::string& file, Board* board);

}  // namespace limber
