// SPDX-License-Identifier: Apache-2.0
// From a fit to a board: values, provenance, what is calibrated.
#include <fmt/core.h>

#include <algorithm>

#include "platform/simulated/board_fit.h"

namespace limber {
namespace {

double six_digits(double value) {
  return std::stod(fmt::format("{:.6g}", value));
}

std::string percent(const FitErrors& errors) {
  return fmt::format("{:.1f} % off on average, {:.1f} % at worst over {} rows", 100 * errors.mean, 100 * errors.worst,
                     errors.rows);
}

}  // namespace

void store_power(const PowerFit& fit, const std::string& date, const std::string& file, const FitOptions& options,
                 std::size_t index, Board* board) {
  Processor& processor = board->processors.at(index);
  processor.power = {six_digits(fit.model.clock_w_per_ghz_v2), six_digits(fit.model.core_w_per_ghz_v2),
                     six_digits(fit.model.leak_w_per_v4), six_digits(fit.model.leak_per_c),
                     six_digits(fit.model.idle_w)};
  std::string text = fmt::format("limber calibrate board, {}, {}: {}", date, file, percent(fit.all));
  if (fit.held_out.rows > 0) text += fmt::format("; on held-out frequencies {}", percent(fit.held_out));
  text += fmt::format("; leak_per_c {}", fit.leak_per_c_fitted ? "fitted" : "assumed");
  if (!fit.temperatures) text += ", no temperatures: leakage as if at 50 C";
  if (!fit.outliers.empty()) text += fmt::format("; {} rows left out of the fit", fit.outliers.size());
  text += "; activity of a busy core:";
  for (const FittedClass& one : fit.classes)
    text += fmt::format("{} {} {:.3f}", &one == fit.classes.data() ? "" : ",", one.name, one.activity);
  const bool close = fit.temperatures && fit.all.mean <= 0.05 && fit.held_out.mean <= 0.05;
  processor.power_source = {close ? "high" : fit.good() ? "medium" : "low", text};
  processor.calibrated = fit.good();
  board->calibrated = std::all_of(board->processors.begin(), board->processors.end(), [](const Processor& one) {
    return one.kind != ProcessorKind::kCpu || one.calibrated;
  });
  if (!options.whole_board) return;
  board->rest_w = six_digits(fit.rest_w);
  const Provenance source = {processor.power_source.confidence,
                             fmt::format("limber calibrate board, {}, {}: the constant part of the whole board's "
                                         "power",
                                         date, file)};
  for (auto& [group, old] : board->sources) {
    if (group == "rest") {
      old = source;
      return;
    }
  }
  board->sources.emplace_back("rest", source);
}

}  // namespace limber
