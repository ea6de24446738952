// SPDX-License-Identifier: Apache-2.0
// The picture of a run. Layer: tool.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "base/atomic_file.h"
#include "tool/run/tally.h"

namespace limber::tool {

struct PlotPoint {
  int16_t policy = 0, member = -1;  // that answered most of the frame's images; -1: none did
  bool met = false, skipped = false;
  float seconds = 0, latency_ms = 0;
};

// One row a policy: the latency of every frame over time, coloured by member, late and skipped frames red, the deadline
// as a line and the loaded time shaded; beside it the bar of top1_in_time (with labels). Rounds follow one another on
// the time axis.
class Plot {
 public:
  // Fails at once when the name ends neither in .png nor .svg, the file cannot be written or gnuplot is missing.
  explicit Plot(const std::string& path);
  void add(const FrameResult& frame, const RunContext& context);
  void finish(const std::vector<Tally>& tallies, const RunContext& context);  // draws; the file appears whole

  // The gnuplot script; `svg`: else PNG.
  static std::string script(const std::vector<PlotPoint>& points, const std::vector<Tally>& tallies,
                            const RunContext& context, bool svg);

 private:
  bool svg_;
  std::optional<AtomicFile> file_;
  std::vector<PlotPoint> points_;
};

}  // namespace limber::tool
