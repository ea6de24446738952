// SPDX-License-Identifier: Apache-2.0
// Everything that `limber bench` found, and how it is shown. Layer: tool.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "network/model.h"
#include "platform/machine.h"
#include "tool/bench/latency.h"
#include "tool/bench/layers.h"
#include "tool/bench/memory.h"
#include "tool/bench/peers.h"
#include "tool/bench/switching.h"

namespace limber::tool {

struct BenchReport {
  std::string path;
  std::shared_ptr<const Model> model;
  Machine machine;
  std::string date;
  std::vector<int> cores;
  std::vector<int> members;  // those asked for, ascending
  LayerTimes layers;
  Peers peers;
  Comparison latency;  // contender 0 is Limber, then peers.found
  SwitchCost switching;
  std::optional<MemoryUse> memory;  // nullopt: this system does not tell
};

// Time of the largest / time of the smallest of the members asked for, hot, paired; NaN if every round was disturbed.
double time_ratio(const BenchReport& report);

std::string print_json(
    const BenchReport& report);  // one object (a ratio of disturbed rounds is null); keys: docs/profile-and-bench.md
std::string print_tables(const BenchReport& report, bool layers);  // for people

}  // namespace limber::tool
