// SPDX-License-Identifier: Apache-2.0
#include "server/daemon/board_watts.h"

#include <cmath>

namespace limber::server {
namespace {

constexpr double kCelsius = 55;

const OperatingPerformancePoint& nearest(const Processor& processor, int64_t khz) {
  std::size_t best = 0;
  for (std::size_t i = 1; i < processor.opps.size(); ++i)
    if (std::abs(processor.opps[i].khz - khz) < std::abs(processor.opps[best].khz - khz)) best = i;
  return processor.opps[best];
}

}  // namespace

void add_watts(const Board& board, std::vector<ArbitratedProcessor>* processors) {
  for (ArbitratedProcessor& processor : *processors) {
    const Processor& known = board.processors[board.find(processor.tables.name)];
    processor.tables.idle_w.clear();
    processor.core_w.clear();
    for (const int64_t khz : processor.tables.khz) {
      const OperatingPerformancePoint& point = khz > 0 ? nearest(known, khz) : known.highest();
      const double idle = power_w(known.power, point, 0, kCelsius);
      processor.tables.idle_w.push_back(idle);
      processor.core_w.push_back(power_w(known.power, point, 1, kCelsius) - idle);
    }
  }
}

}  // namespace limber::server
