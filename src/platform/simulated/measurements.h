// SPDX-License-Identifier: Apache-2.0
// Measurements of a board, as a file: what a board's power and heat are fitted to (board_fit.h, thermal_fit.h).
// Layer: platform.
//
// CSV: a line that names the columns, then a row a line; empty lines and those that begin with # are passed over.
// JSON: {"format": "limber-measurements", "version": 1, "rows": [{...}]}, keys as the columns. A row is one of
//   processor, khz, volt (optional), busy, class, watts, celsius (optional): a steady state of a processor's rail, or
//   time_s, watts, celsius (no processor): a moment of a heating and cooling trace, watts of all processors together.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace limber {

// A row's class when no core is busy; it then counts as busy 0, whatever little ran in the background.
inline constexpr const char* kIdleClass = "idle";

struct PowerRow {
  std::string place;  // "rows.csv: line 3", for messages
  std::string processor;
  int64_t khz = 0;
  double volt = 0;  // 0: not told, the board's operating points know
  double busy = 0;  // cores busy on average; a GPU's busy fraction
  std::string load_class;
  double watts = 0;  // mean while it lasted, the processor's rail alone
  std::optional<double> celsius;

  bool idle() const { return busy == 0 || load_class == kIdleClass; }
};

struct HeatRow {
  std::string place;
  double time_s = 0;
  double watts = 0;  // mean since the row before
  double celsius = 0;
};

struct Measurements {
  std::string where;
  std::vector<PowerRow> power;
  std::vector<HeatRow> heat;
};

// Fails with kBadFile (kNotFound, kIo) naming line (or row), column, what was found and what is legal.
Measurements read_measurements(const std::string& path);  // .json, else CSV
Measurements parse_measurements_csv(const std::string& text, const std::string& where);
Measurements parse_measurements_json(const std::string& text, const std::string& where);

// The same as CSV; parsing it gives the same values.
std::string print_measurements(const Measurements& measurements);

}  // namespace limber
