// SPDX-License-Identifier: Apache-2.0
// Between a simulated board and a system policy: its orders for clocks, and what it is shown. Layer: tool.
#pragma once
#include <limits>
#include <vector>

#include "manager/system_policy.h"
#include "platform/simulated/simulated_board.h"

namespace limber::tool {

class BoardDriver {
 public:
  explicit BoardDriver(SimulatedBoard& board);

  // What has not changed since the last time is left alone.
  void apply(const std::vector<ClockOrder>& orders);

  // What monitors show now; shares of others are since the last call. Meters that failed keep their last value.
  SystemView view();

  void set_gone(std::size_t processor, bool gone);
  void set_cap(double celsius);  // infinity: none
  void set_sensors_failed(bool failed) { sensors_failed_ = failed; }

 private:
  void apply(std::size_t processor, const ClockOrder& order, const ClockOrder& before);
  void read_sensors();

  SimulatedBoard& board_;
  std::vector<ClockOrder> applied_;
  std::vector<bool> gone_;
  std::vector<std::vector<double>> foreign_ms_, others_;  // of each core at the last view: in all, and lately
  std::vector<double> sensed_w_;                          // of each processor; below 0: no meter sees it alone
  double sensed_board_w_ = -1, viewed_ms_ = 0;
  double cap_c_ = std::numeric_limits<double>::infinity();
  bool sensors_failed_ = false;
};

}  // namespace limber::tool
