// SPDX-License-Identifier: Apache-2.0
#include "tool/simulate/strangers.h"

#include <limits>

namespace limber::tool {
namespace {

// A share below 1: so much of every ten milliseconds, on an otherwise idle core at its highest frequency.
void begin_turn(int thread, const Stranger& stranger, SimulatedBoard* board) {
  constexpr double kTurnMs = 10;
  if (board->now_ms() >= stranger.stop_s * 1e3) return;
  if (stranger.share >= 1) {
    board->start(thread, {std::numeric_limits<double>::infinity(), 0}, nullptr);
    return;
  }
  if (!board->working(thread)) board->start(thread, {kTurnMs * stranger.share, 0}, nullptr);
  board->at(board->now_ms() + kTurnMs, [=] { begin_turn(thread, stranger, board); });
}

}  // namespace

void add_stranger(const Stranger& stranger, double duration_s, SimulatedBoard* board) {
  const bool any = stranger.processor == "any" || stranger.processor == "cpu";
  for (int64_t i = 0; i < stranger.threads; ++i) {
    ThreadSettings settings;
    settings.name = stranger.name;
    settings.processor = any ? "" : stranger.processor;
    settings.nice = static_cast<int>(stranger.nice);
    settings.util = 512;  // forked
    settings.foreign = true;
    const int thread = board->add_thread(settings);
    board->at(stranger.start_s * 1e3, [=] { begin_turn(thread, stranger, board); });
    if (stranger.stop_s < duration_s) board->at(stranger.stop_s * 1e3, [=] { board->stop(thread); });
  }
}

}  // namespace limber::tool
