// SPDX-License-Identifier: Apache-2.0
#include "platform/simulated/new_board.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "base/error.h"

namespace limber {

Board new_board(const std::string& name, double memory_mb_per_s) {
  Board board;
  board.name = board.title = name;
  board.memory_mb_per_s = memory_mb_per_s;
  board.thermal.source = {"low", "not measured: heats up by nothing"};
  board.sources = {{"rest", {"low", "not measured: 0"}},
                   {"memory", {"low", "as given when the file was made"}},
                   {"trips", {"low", "not known: none"}},
                   {"sensors", {"low", "not known: none"}},
                   {"delays", {"low", "not measured: 0"}}};
  return board;
}

void add_processor(const std::string& name, const std::vector<int>& cpus, double capacity,
                   const Measurements& measurements, Board* board) {
  for (const Processor& other : board->processors) {
    if (other.name == name)
      fail(ErrorCode::kInvalidArgument,
           "{}: processor '{}' is there already; legal: another name, or no CPUs to fit it", board->name, name);
    for (const int cpu : cpus) {
      if (std::count(other.cpus.begin(), other.cpus.end(), cpu) > 0)
        fail(ErrorCode::kInvalidArgument, "{}: CPU {} belongs to '{}'; legal: CPUs of no other processor", board->name,
             cpu, other.name);
    }
  }
  std::map<int64_t, std::pair<double, int>> volts;
  for (const PowerRow& row : measurements.power) {
    if (row.processor != name) continue;
    if (row.volt == 0)
      fail(ErrorCode::kInvalidArgument,
           "{}, column volt: nothing; a new processor's operating points are made of its rows, so each needs its volts",
           row.place);
    auto& [sum, count] = volts[row.khz];
    sum += row.volt;
    ++count;
  }
  if (volts.empty()) fail(ErrorCode::kInvalidArgument, "{}: no rows of processor '{}'", measurements.where, name);
  Processor processor;
  processor.name = name;
  processor.cpus = cpus;
  processor.capacity = capacity;
  for (const auto& [khz, sum] : volts) processor.opps.push_back({khz, 1e-6 * std::round(1e6 * sum.first / sum.second)});
  processor.default_governor = "schedutil";
  processor.opp_source = {"medium", "the frequencies that were measured, at the mean of their volts"};
  processor.power_source = {"low", "not fitted yet"};
  board->processors.push_back(processor);
}

}  // namespace limber
