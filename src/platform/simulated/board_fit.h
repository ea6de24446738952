// SPDX-License-Identifier: Apache-2.0
// Fits a processor's power model (board.h) to measured rows. Layer: platform.
//
// Least squares of the relative errors, no coefficient below 0. Every class of load has its own watts per busy core,
// GHz and V^2; `core` is that of the median class. leak_per_c stays as the board has it (0.03 where it has none) unless
// one load (frequency, class, busy cores) was measured at temperatures at least 20 K apart. Rows that lie far off (six
// robust deviations and 25
// %), at most a fifth of all, take no part in the fit, but in every error that is told.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "platform/simulated/board.h"
#include "platform/simulated/measurements.h"

namespace limber {

struct FitOptions {
  std::vector<int64_t> hold_out;  // kHz whose rows the fit may not see, only be judged by
  bool whole_board = false;       // the meter sees all of the board: what is constant is its rest, not the processor's
};

// Relative errors of modelled watts, as fractions.
struct FitErrors {
  int rows = 0;
  double mean = 0, worst = 0;
};

struct FittedClass {
  std::string name;
  double core_w_per_ghz_v2 = 0;
  double activity = 1;  // of a busy core, relative to the median class: what power_w() takes, times the busy cores
  int rows = 0;
};

struct FrequencyErrors {
  int64_t khz = 0;
  bool held_out = false;
  FitErrors errors;
};

struct Outlier {
  std::string place;
  double error = 0;  // modelled / measured - 1
};

struct PowerFit {
  PowerModel model;
  double rest_w = 0;                 // with FitOptions::whole_board
  std::vector<FittedClass> classes;  // ascending; idle is none
  bool leak_per_c_fitted = false, temperatures = false;
  FitErrors all, fitted, held_out;  // as the board will be used: at the volts of its operating points
  std::vector<FrequencyErrors> frequencies;
  std::vector<Outlier> outliers;  // rows left out of the fit

  // Good enough to call the processor calibrated: 10 % off on average at most, on held-out rows as well.
  bool good() const;
};

// Of the rows that name the processor. Fails with kInvalidArgument saying what has to be measured in addition when they
// do not determine the model: no rows, fewer than three frequencies, no idle rows, no busy ones; and naming the row
// that cannot be: more busy cores than there are, a frequency that is no operating point of the board without volts.
// Costs milliseconds.
PowerFit fit_power(const Processor& processor, const Measurements& measurements, const FitOptions& options = {});

// Puts it into the board: coefficients (six digits), provenance, what is calibrated now. `date`:
// "2026-11-21T08:00:00Z".
void store_power(const PowerFit& fit, const std::string& date, const std::string& file, const FitOptions& options,
                 std::size_t processor, Board* board);

}  // namespace limber
