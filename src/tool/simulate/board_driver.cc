// SPDX-License-Identifier: Apache-2.0
#include "tool/simulate/board_driver.h"

#include <algorithm>
#include <utility>

namespace limber::tool {

BoardDriver::BoardDriver(SimulatedBoard& board)
    : board_(board),
      applied_(board.board().processors.size()),
      gone_(applied_.size(), false),
      sensed_w_(applied_.size(), -1) {
  for (const Processor& processor : board.board().processors) foreign_ms_.emplace_back(processor.cores(), 0);
  others_ = foreign_ms_;
}

void BoardDriver::apply(const std::vector<ClockOrder>& orders) {
  for (std::size_t p = 0; p < orders.size(); ++p) {
    if (applied_[p] == orders[p]) continue;
    const ClockOrder before = std::exchange(applied_[p], orders[p]);
    apply(p, orders[p], before);
  }
}

void BoardDriver::apply(std::size_t p, const ClockOrder& order, const ClockOrder& before) {
  const Processor& processor = board_.board().processors[p];
  const auto khz = [&](std::size_t point) { return processor.opps.at(point).khz; };
  if (order.kind == ClockOrder::Kind::kFixed) {
    if (before.kind != ClockOrder::Kind::kFixed) board_.set_governor(p, "userspace");
    if (before.kind == ClockOrder::Kind::kAtLeast) board_.set_limits(p, khz(0), processor.highest().khz);
    board_.set_frequency(p, khz(order.point));
    return;
  }
  const bool at_least = order.kind == ClockOrder::Kind::kAtLeast;
  board_.set_limits(p, khz(at_least ? order.point : 0), processor.highest().khz);
  const auto governor = [&](const ClockOrder& of) {
    if (of.kind == ClockOrder::Kind::kFixed) return std::string("userspace");
    return of.kind == ClockOrder::Kind::kAtLeast || of.governor.empty() ? processor.default_governor : of.governor;
  };
  if (governor(before) != governor(order)) board_.set_governor(p, governor(order));
}

SystemView BoardDriver::view() {
  const Board& board = board_.board();
  const double window = board_.now_ms() - viewed_ms_;
  viewed_ms_ = board_.now_ms();
  if (!sensors_failed_) read_sensors();
  SystemView view;
  view.now_ms = board_.now_ms();
  view.celsius = board_.celsius();
  view.cap_c = cap_c_;
  view.power_w = sensed_board_w_;
  for (std::size_t p = 0; p < board.processors.size(); ++p) {
    SystemView::Processor processor;
    processor.available = !gone_[p];
    const std::size_t top = board.processors[p].opps.size() - 1;
    processor.highest = top - std::min(top, static_cast<std::size_t>(board_.throttled(p)));
    processor.point = board_.opp(p);
    processor.power_w = sensed_w_[p];
    for (std::size_t c = 0; c < board.processors[p].cores() && window > 0; ++c) {
      const double before = std::exchange(foreign_ms_[p][c], board_.foreign_ms(p, c));
      others_[p][c] = (foreign_ms_[p][c] - before) / window;
    }
    processor.others = others_[p];
    view.processors.push_back(std::move(processor));
  }
  return view;
}

void BoardDriver::read_sensors() {
  const Board& board = board_.board();
  for (std::size_t s = 0; s < board.sensors.size(); ++s) {
    const double watts = board_.sensor_mw(s) * 1e-3;
    if (board.sensors[s].whole_board) sensed_board_w_ = watts;
    if (board.sensors[s].processors.size() == 1) sensed_w_[board.find(board.sensors[s].processors.front())] = watts;
  }
}

void BoardDriver::set_gone(std::size_t processor, bool gone) {
  gone_[processor] = gone;
  board_.set_online(processor, !gone);
}

void BoardDriver::set_cap(double celsius) {
  cap_c_ = celsius;
  board_.set_cap(celsius);
}

}  // namespace limber::tool
