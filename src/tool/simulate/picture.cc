// SPDX-License-Identifier: Apache-2.0
#include "tool/simulate/picture.h"

#include <fmt/format.h>

#include <algorithm>

namespace limber::tool {
namespace {

constexpr const char* kColours[] = {"#1f77b4", "#2ca02c", "#9467bd", "#8c564b", "#17becf", "#7f7f7f"};

const char* colour(std::size_t i) {
  return kColours[i % std::size(kColours)];
}

// Names come from files: nothing in them may be read as gnuplot's.
std::string plain(const std::string& text) {
  std::string result;
  for (const char c : text) result += c == '"' || c == '\\' || c == '`' || c == '\n' || c == '@' ? ' ' : c;
  return result;
}

void frames_data(std::string* script, std::size_t p, const PicturedPolicy& policy, std::size_t applications) {
  for (std::size_t a = 0; a <= applications; ++a) {
    *script += fmt::format("$frames_{}_{} << EOD\n", p, a);
    bool any = false;
    for (const PlayedFrame& frame : policy.frames) {
      const bool missed = !frame.met;
      if (a < applications ? missed || static_cast<std::size_t>(frame.application) != a : !missed) continue;
      const double ms = (frame.ended_ms >= 0 ? frame.ended_ms : frame.deadline_ms) - frame.arrived_ms;
      *script += fmt::format("{:.4f} {:.3f}\n", frame.arrived_ms * 1e-3, ms);
      any = true;
    }
    if (!any) *script += "NaN NaN\n";
    *script += "EOD\n";
  }
}

void moments_data(std::string* script, std::size_t p, const PicturedPolicy& policy) {
  *script += fmt::format("$moments_{} << EOD\n", p);
  for (const PlayedMoment& moment : policy.moments) {
    *script += fmt::format("{:.3f} {:.4f} {:.2f}", moment.ms * 1e-3, moment.power_w, moment.celsius);
    for (const int64_t khz : moment.khz) *script += fmt::format(" {:.4f}", static_cast<double>(khz) * 1e-6);
    *script += "\n";
  }
  *script += "EOD\n";
}

}  // namespace

std::string picture_script(const Scenario& scenario, const Board& board, const std::vector<PicturedPolicy>& policies,
                           bool svg) {
  const std::size_t rows = policies.size(), applications = scenario.applications.size();
  std::string script =
      fmt::format("set terminal {} size 1400,{} font \"sans,10\"\n", svg ? "svg" : "pngcairo", 260 * rows + 60);
  for (std::size_t p = 0; p < rows; ++p) {
    frames_data(&script, p, policies[p], applications);
    moments_data(&script, p, policies[p]);
  }
  double most_ms = 0, most_w = 0;
  for (const PicturedPolicy& policy : policies) {
    for (const PlayedFrame& frame : policy.frames) most_ms = std::max(most_ms, frame.deadline_ms - frame.arrived_ms);
    for (const PlayedMoment& moment : policy.moments) most_w = std::max(most_w, moment.power_w);
  }
  script += fmt::format("set multiplot layout {},2 title \"{} on {}, modelled\"\n", rows, plain(scenario.name),
                        plain(board.name));
  script += fmt::format("set grid\nset xrange [0:{}]\nset xlabel \"s\"\n", scenario.duration_s);
  for (std::size_t p = 0; p < rows; ++p) {
    script += fmt::format("set title \"{}\" noenhanced\nset ylabel \"latency, ms\"\nset yrange [0:{:.1f}]\n",
                          plain(policies[p].name), 1.5 * most_ms);
    script += "unset y2tics\nset key outside right top noenhanced\nplot ";
    for (std::size_t a = 0; a < applications; ++a)
      script += fmt::format("$frames_{}_{} using 1:2 with points pt 7 ps 0.3 lc rgb \"{}\" title \"{}\", ", p, a,
                            colour(a), plain(scenario.applications[a].name));
    script += fmt::format("$frames_{}_{} using 1:2 with points pt 2 ps 0.5 lc rgb \"#d62728\" title \"missed\"\n", p,
                          applications);
    script += fmt::format("set title \"\"\nset ylabel \"W, GHz\"\nset yrange [0:{:.2f}]\nset y2tics\n",
                          1.1 * std::max(most_w, 2.5));
    script += fmt::format(
        "set y2range [20:100]\nplot $moments_{0} using 1:2 with lines lc rgb \"black\" title \"W\", "
        "$moments_{0} using 1:3 axes x1y2 with lines lc rgb \"#d62728\" title \"C (right)\"",
        p);
    for (std::size_t i = 0; i < board.processors.size(); ++i)
      script += fmt::format(", $moments_{} using 1:{} with steps lc rgb \"{}\" title \"{} GHz\"", p, 4 + i, colour(i),
                            plain(board.processors[i].name));
    script += "\n";
  }
  return script + "unset multiplot\n";
}

}  // namespace limber::tool
