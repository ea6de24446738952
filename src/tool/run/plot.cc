// SPDX-License-Identifier: Apache-2.0
#include "tool/run/plot.h"

#include <algorithm>

#include "base/error.h"
#include "tool/run/gnuplot.h"

namespace limber::tool {

namespace {

// Small to large members: viridis without its yellow end, so that every colour is seen on white.
constexpr int kColours[][3] = {{68, 1, 84}, {59, 82, 139}, {33, 145, 140}, {94, 201, 98}, {220, 190, 30}};
constexpr double kWidth = 1500, kTop = 110, kRow = 132, kGap = 16, kBottom = 62;  // pixels
constexpr double kLeft = 190, kRight = 30, kBars = 330, kBetween = 45;

std::string colour(std::size_t member, std::size_t members) {
  const double at = members < 2 ? 2 : 4 * static_cast<double>(member) / static_cast<double>(members - 1);
  const auto low = std::min<std::size_t>(3, static_cast<std::size_t>(at));
  std::string text = "#";
  for (int c = 0; c < 3; ++c) {
    const double part = at - static_cast<double>(low);
    text += fmt::format("{:02x}", static_cast<int>((1 - part) * kColours[low][c] + part * kColours[low + 1][c] + 0.5));
  }
  return text;
}

// A gnuplot string of any text: single quotes know one escape.
std::string quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') out += '\'';
    out += static_cast<unsigned char>(c) < 32 || c == 127 || c == '`' ? '?' : c;
  }
  return out + "'";
}

class Script {
 public:
  Script(const std::vector<PlotPoint>& points, const std::vector<Tally>& tallies, const RunContext& context)
      : points_(points),
        tallies_(tallies),
        context_(context),
        height_(kTop + kBottom + static_cast<double>(tallies.size()) * (kRow + kGap)),
        limit_ms_(2 * context.deadline_ms) {
    for (const PlotPoint& point : points) seconds_ = std::max(seconds_, static_cast<double>(point.seconds));
    seconds_ += context.period_ms / 1000;
  }

  std::string text(bool svg) {
    out_ = fmt::format("set terminal {} size {:.0f},{:.0f} noenhanced font 'sans,{}' background rgb '#ffffff'\n",
                       svg ? "svg" : "pngcairo", kWidth, height_, svg ? 14 : 11);
    out_ += "set encoding utf8\nset border lc rgb '#999999'\nset tics textcolor rgb '#444444' nomirror\nunset key\n";
    data();
    out_ += "set multiplot\n";
    titles();
    for (std::size_t p = 0; p < tallies_.size(); ++p) row(p);
    return out_ + "unset multiplot\n";
  }

 private:
  bool bars() const { return context_.labelled; }
  double plot_right() const { return kWidth - kRight - (bars() ? kBars + kBetween : 0); }
  static double x(double pixel) { return pixel / kWidth; }
  double y(double pixel) const { return 1 - pixel / height_; }
  double row_top(std::size_t p) const { return kTop + static_cast<double>(p) * (kRow + kGap); }

  // One data block for every set of points that share policy and look; empty ones are not made.
  std::string block(std::size_t policy, int look) const { return fmt::format("$p{}m{}", policy, look + 2); }
  static constexpr int kMissed = -2;

  std::vector<std::string> rows(std::size_t policy, int look) const {
    std::vector<std::string> lines;
    for (const PlotPoint& point : points_) {
      if (point.policy != static_cast<int>(policy)) continue;
      if (look == kMissed ? point.met : point.member != look || point.skipped) continue;
      const double ms = point.skipped ? limit_ms_ : static_cast<double>(point.latency_ms);
      lines.push_back(
          fmt::format("{:.4f} {:.3f}\n", static_cast<double>(point.seconds), std::min(ms, 0.95 * limit_ms_)));
    }
    return lines;
  }

  void data() {
    for (std::size_t p = 0; p < tallies_.size(); ++p) {
      for (int look = kMissed; look < static_cast<int>(context_.members.size()); ++look) {
        const std::vector<std::string> lines = rows(p, look);
        if (lines.empty()) continue;
        out_ += block(p, look) + " << END\n";
        for (const std::string& line : lines) out_ += line;
        out_ += "END\n";
        if (look != -1) drawn_[p].push_back(look);
      }
    }
  }

  void label(const std::string& what, double at_x, double at_y, const std::string& look) {
    out_ += fmt::format("set label {} at screen {:.5f},{:.5f} {}\n", quoted(what), x(at_x), y(at_y), look);
  }

  double legend_width(std::size_t member) const {
    return 60 + 8.5 * static_cast<double>(context_.members[member].size());
  }

  // All members where they fit in one line, else some, from the smallest to the largest.
  std::vector<std::size_t> in_the_legend() const {
    constexpr double kDeadlines = 330;  // of what else is there
    const std::size_t members = context_.members.size();
    double widest = 0;
    for (std::size_t m = 0; m < members; ++m) widest = std::max(widest, legend_width(m));
    const auto fit = static_cast<std::size_t>((plot_right() - kLeft - kDeadlines) / widest);
    const std::size_t count = std::min(members, std::max<std::size_t>(fit, 2));
    std::vector<std::size_t> result;
    for (std::size_t i = 0; i < count; ++i) result.push_back(count < 2 ? 0 : i * (members - 1) / (count - 1));
    return result;
  }

  void titles() {
    label(fmt::format("{} on {}", context_.model, context_.source), 20, 26, "font 'sans:Bold,16'");
    std::string text = fmt::format(
        "a frame is {} image{}, {:.1f} ms of work for {} alone on the core; a frame every {:g} ms", context_.burst,
        context_.burst == 1 ? "" : "s", context_.burst_ms(), context_.largest(), context_.period_ms);
    if (context_.load > 0)
      text +=
          fmt::format("; shaded: {} busy process{} on the same core", context_.load, context_.load == 1 ? "" : "es");
    label(text, 20, 54, "font 'sans,11' textcolor rgb '#555555'");
    label("deadlines met", 20, 86, "");
    double at = kLeft;
    for (const std::size_t m : in_the_legend()) {
      label(context_.members[m], at + 12, 86,
            fmt::format("point pt 7 ps 1 lc rgb '{}' offset character 1,0", colour(m, context_.members.size())));
      at += legend_width(m);
    }
    label("deadline missed", at + 12, 86, "point pt 2 ps 1 lc rgb '#d62728' offset character 1,0");
    label(fmt::format("-- deadline, {:g} ms", context_.deadline_ms), at + 160, 86, "textcolor rgb '#d62728'");
    if (bars()) label("top1_in_time: right and in time, of all images", plot_right() + kBetween, 86, "");
  }

  void row(std::size_t p) {
    const double top = row_top(p), bottom = top + kRow;
    out_ += fmt::format("set lmargin at screen {:.5f}\nset rmargin at screen {:.5f}\n", x(kLeft), x(plot_right()));
    out_ += fmt::format("set tmargin at screen {:.5f}\nset bmargin at screen {:.5f}\n", y(top), y(bottom));
    name(p, top);
    latencies(p, p + 1 == tallies_.size());
    if (bars()) bar(p);
    out_ += "unset label\nunset object\nunset arrow\n";
  }

  void name(std::size_t p, double top) {
    const Tally& tally = tallies_[p];
    label(tally.policy, 20, top + 22, "font 'sans:Bold,12'");
    const auto met = [&](const char* when, int64_t of, int64_t all, double down) {
      label(fmt::format("{} {:.1f} %", when, 100 * share(of, all)), 20, top + down, "textcolor rgb '#555555'");
    };
    if (context_.load > 0) {
      met("unloaded", tally.met[0], tally.frames[0], 50);
      met("loaded", tally.met[1], tally.frames[1], 74);
    } else {
      met("in time", tally.all_met(), tally.all_frames(), 50);
    }
  }

  void latencies(std::size_t p, bool last) {
    if (context_.load > 0) {
      const double play = static_cast<double>(context_.frames) * context_.period_ms / 1000;
      const double from = static_cast<double>(context_.first_loaded()) * context_.period_ms / 1000;
      const double to = static_cast<double>(context_.end_loaded()) * context_.period_ms / 1000;
      for (int round = 0; round < context_.rounds; ++round) {
        out_ += fmt::format(
            "set object rectangle from first {:.4f},graph 0 to first {:.4f},graph 1 behind fc rgb "
            "'#f1ece4' fs solid noborder\n",
            round * play + from, round * play + to);
        if (round > 0)
          out_ += fmt::format("set arrow from first {0:.4f},graph 0 to first {0:.4f},graph 1 nohead lc rgb '#999999'\n",
                              round * play);
      }
    }
    out_ += fmt::format(
        "set arrow from graph 0,first {0} to graph 1,first {0} nohead lc rgb '#d62728' lw 1.2 dt 2\n"
        "set xrange [0:{1:.4f}]\nset yrange [0:{2}]\nset ytics ('0' 0, '{0:g}' {0}, '{2:g} ms' {2})\n",
        context_.deadline_ms, seconds_, limit_ms_);
    out_ += last ? "set xtics format '%g s' auto\n" : "set xtics format '' auto\n";
    std::string curves;
    for (const int look : drawn_[p]) {
      curves += curves.empty() ? "" : ", ";
      curves += block(p, look) + " using 1:2 with points ";
      curves += look == kMissed ? "pt 2 ps 0.6 lc rgb '#d62728'"
                                : fmt::format("pt 7 ps 0.45 lc rgb '{}'",
                                              colour(static_cast<std::size_t>(look), context_.members.size()));
    }
    out_ += "plot " + (curves.empty() ? "-1 lc rgb '#ffffff'" : curves) + "\n";
  }

  void bar(std::size_t p) {
    const Tally& tally = tallies_[p];
    const int best = best_static(tallies_, context_);
    const bool adaptive = !tally.policy.starts_with("static:");
    const double value = 100 * tally.top1_in_time();
    out_ += "unset label\nunset object\nunset arrow\n";
    out_ += fmt::format("set lmargin at screen {:.5f}\nset rmargin at screen {:.5f}\n", x(plot_right() + kBetween),
                        x(kWidth - kRight));
    out_ += fmt::format("set object rectangle from 0,0.28 to {:.3f},0.72 fc rgb '{}' fs solid noborder\n", value,
                        adaptive                      ? "#1f77b4"
                        : static_cast<int>(p) == best ? "#6b6b6b"
                                                      : "#c4c4c4");
    if (best >= 0) {
      const double reference = 100 * tallies_[static_cast<std::size_t>(best)].top1_in_time();
      out_ += fmt::format("set arrow from {0:.3f},0.1 to {0:.3f},0.9 nohead lc rgb '#000000' dt 3 front\n", reference);
      if (static_cast<int>(p) == best)
        out_ += "set label 'best static member in hindsight' at 1,0.84 left textcolor rgb '#555555' font 'sans,9'\n";
    }
    out_ += fmt::format("set label '{:.2f} %' at {:.3f},0.5 {} front font 'sans:Bold,11' textcolor rgb '{}'\n", value,
                        value > 40 ? value - 2 : value + 2, value > 40 ? "right" : "left",
                        value > 40 && (adaptive || static_cast<int>(p) == best) ? "#ffffff" : "#000000");
    out_ += "unset border\nunset xtics\nunset ytics\nset xrange [0:100]\nset yrange [0:1]\nplot -1 lc rgb '#ffffff'\n";
    out_ += "set border 31 lc rgb '#999999'\nset xtics nomirror\nset ytics nomirror\n";
  }

  const std::vector<PlotPoint>& points_;
  const std::vector<Tally>& tallies_;
  const RunContext& context_;
  double height_, limit_ms_, seconds_ = 0;
  std::vector<std::vector<int>> drawn_ = std::vector<std::vector<int>>(tallies_.size());  // looks with points
  std::string out_;
};

}  // namespace

Plot::Plot(const std::string& path) : svg_(path.ends_with(".svg")) {
  if (!svg_ && !path.ends_with(".png"))
    fail(ErrorCode::kInvalidArgument, "--plot {}: legal are names that end in .png or .svg", path);
  if (find_gnuplot().empty())
    fail(ErrorCode::kNotFound, "--plot {}: gnuplot draws it and is not in $PATH; install Debian's package gnuplot-nox",
         path);
  file_.emplace(path);
}

void Plot::add(const FrameResult& frame, const RunContext& context) {
  std::vector<int64_t> by_member(context.members.size() + 1, 0);
  for (const ImageResult& image : frame.images) ++by_member[static_cast<std::size_t>(image.member + 1)];
  by_member[0] = 0;
  const auto most = std::max_element(by_member.begin(), by_member.end());
  PlotPoint point;
  point.policy = static_cast<int16_t>(frame.policy);
  point.member = static_cast<int16_t>(*most == 0 ? -1 : most - by_member.begin() - 1);
  point.met = frame.met;
  point.skipped = frame.skipped;
  point.seconds =
      static_cast<float>(static_cast<double>(frame.round * context.frames + frame.frame) * context.period_ms / 1000);
  point.latency_ms = static_cast<float>(frame.latency_ms());
  points_.push_back(point);
}

void Plot::finish(const std::vector<Tally>& tallies, const RunContext& context) {
  file_->write(run_gnuplot(script(points_, tallies, context, svg_)));
  file_->commit();
}

std::string Plot::script(const std::vector<PlotPoint>& points, const std::vector<Tally>& tallies,
                         const RunContext& context, bool svg) {
  return Script(points, tallies, context).text(svg);
}

}  // namespace limber::tool
