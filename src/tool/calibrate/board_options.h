// SPDX-License-Identifier: Apache-2.0
// What the user asked `limber calibrate board` for. Layer: tool.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace limber::tool {

struct BoardOptions {
  std::string board, new_name, measurements, processor, output, cpus;
  std::vector<int64_t> hold_out;
  double capacity = 1024, memory_mb_per_s = 0;
  bool whole_board = false, plan = false, measure = false, json = false;
  // Of --plan and --measure:
  std::string power_from, sysfs_root;
  std::vector<int64_t> khz;
  std::size_t points = 6, cores = 4;
  double seconds = 10, settle_s = 3, trace_s = 240;
};

void print_measuring_plan(const BoardOptions& options);
void measure_rows(const BoardOptions& options);

}  // namespace limber::tool
