// SPDX-License-Identifier: Apache-2.0
// What people read: the heading, the live table, the closing table; and the summary for programs. Layer: tool.
#pragma once
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "tool/run/tally.h"

namespace limber::tool {

std::string heading(const RunContext& context);
std::string closing_table(const std::vector<Tally>& tallies, const RunContext& context);
// One line of JSON: {model, data, burst, burst_ms, ..., summary: [{policy, frames, deadlines_met, ...}]}; shares, not
// per cent. null: not known (no labels, no load, no sensor).
nlohmann::json summary_json(const std::vector<Tally>& tallies, const RunContext& context);

// How each policy does while it plays, on stderr once a second: redrawn in place on a terminal, else one line of what
// is playing. Costs nothing in between.
class LiveTable {
 public:
  enum class Style { kOff, kLines, kTerminal };
  LiveTable(const RunContext& context, Style style);
  ~LiveTable();
  // After a frame of tallies[frame.policy]; `now`: of the monotonic clock.
  void frame(const std::vector<Tally>& tallies, const FrameResult& frame, int64_t now);
  void clear();  // removes what is drawn

  static Style style_for(bool quiet);
  // The text of one line; `second`: what happened since the last line.
  static std::string line(const Tally& all, const Tally& second, const FrameResult& frame, const RunContext& context);

 private:
  void draw(const std::vector<Tally>& tallies, const FrameResult& frame);

  const RunContext& context_;
  Style style_;
  int64_t next_ = 0;
  int playing_ = -1;
  std::size_t drawn_ = 0;  // lines on the terminal
  Tally second_;
};

}  // namespace limber::tool
