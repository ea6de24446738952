// SPDX-License-Identifier: Apache-2.0
#include "tool/run/table.h"

#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

namespace limber::tool {

namespace {

constexpr int64_t kSecondNs = 1'000'000'000;

std::string percent(int64_t whole, int64_t part) {
  return whole > 0 ? fmt::format("{:.2f} %", 100 * share(part, whole)) : "-";
}

std::size_t name_width(const RunContext& context) {
  std::size_t width = 8;
  for (const std::string& name : context.policies) width = std::max(width, name.size());
  return width;
}

// "by 100% 0.36, 25% 0.64": the share of images that each member answered.
std::string mix(const std::vector<int64_t>& by_member, const RunContext& context) {
  int64_t all = 0;
  for (const int64_t images : by_member) all += images;
  std::string text;
  for (std::size_t m = by_member.size(); m-- > 0;) {
    if (by_member[m] == 0) continue;
    text += (text.empty() ? "by " : ", ") + context.members[m];
    if (by_member[m] < all) text += fmt::format(" {:.2f}", share(by_member[m], all));
  }
  return text.empty() ? "nothing answered" : text;
}

// "frame 17: cat": of a stream, what was answered last.
std::string last_answer(const FrameResult& frame, const RunContext& context) {
  const int32_t answer = frame.images.back().answer;
  if (answer < 0) return frame.names.back() + ": no answer";
  const auto at = static_cast<std::size_t>(answer);
  return frame.names.back() + ": " + (at < context.classes.size() ? context.classes[at] : fmt::format("{}", answer));
}

}  // namespace

std::string heading(const RunContext& c) {
  std::string text = fmt::format("{} on {}\n", c.model, c.source);
  text += fmt::format(
      "a frame is {} image{}: {:.2f} ms of work for {}, alone on the core; period {:g} ms, deadline {:g} ms", c.burst,
      c.burst == 1 ? "" : "s", c.burst_ms(), c.largest(), c.period_ms, c.deadline_ms);
  text += c.frames > 0 ? fmt::format("; {} frames a policy, {} round{}", c.frames, c.rounds, c.rounds == 1 ? "" : "s")
                       : "; to the stream's end";
  if (c.load > 0)
    text += fmt::format("\n{} of a trace the core is shared with {} busy process{}",
                        c.load_from < 0
                            ? "in the middle third"
                            : fmt::format("from {:g} s to {:g} s", static_cast<double>(c.load_from) * c.period_ms / 1e3,
                                          static_cast<double>(c.load_to) * c.period_ms / 1e3),
                        c.load, c.load == 1 ? "" : "es");
  if (!c.below_floor.empty())
    text += fmt::format("\nbelow the accuracy floor of {:g} and never chosen: {}", c.accuracy_floor,
                        fmt::join(c.below_floor, ", "));
  if (!c.labelled) text += "\nno labels: nothing can be said about accuracy";
  return text + "\n";
}

std::string closing_table(const std::vector<Tally>& tallies, const RunContext& context) {
  const std::size_t width = name_width(context);
  const int best = best_static(tallies, context);
  const bool load = context.load > 0;
  std::string text = fmt::format("{:{}}  {:>{}}  {:>17}\n", "", width, "deadlines met", load ? 21 : 13, "latency, ms");
  text += fmt::format("{:{}}", "policy", width);
  text += load ? fmt::format("  {:>10} {:>10}", "unloaded", "loaded") : fmt::format("  {:>13}", "");
  text += fmt::format("  {:>8} {:>8}", "mean", "p99");
  text += context.labelled ? "  top1_in_time  top1_answered  energy\n" : "  energy\n";
  for (std::size_t i = 0; i < tallies.size(); ++i) {
    const Tally& t = tallies[i];
    text += fmt::format("{:{}}", t.policy, width);
    text += load ? fmt::format("  {:>10} {:>10}", percent(t.frames[0], t.met[0]), percent(t.frames[1], t.met[1]))
                 : fmt::format("  {:>13}", percent(t.all_frames(), t.all_met()));
    text += fmt::format("  {:>8.2f} {:>8.2f}", t.mean_ms(), t.p99_ms());
    if (context.labelled)
      text +=
          fmt::format("  {:>12}  {:>13}", percent(t.images, t.right_in_time), percent(t.answered, t.right_answered));
    text += context.energy_sensor ? fmt::format("  {:.0f} mJ", t.energy_mj) : "  no sensor";
    text += static_cast<int>(i) == best ? "  <- best static member in hindsight\n" : "\n";
  }
  return text;
}

nlohmann::json summary_json(const std::vector<Tally>& tallies, const RunContext& context) {
  using nlohmann::json;
  json summary = json::array();
  const int best = best_static(tallies, context);
  for (std::size_t i = 0; i < tallies.size(); ++i) {
    const Tally& t = tallies[i];
    const auto known = [](bool is, double value) { return is ? json(value) : json(); };
    json members = json::object();
    for (std::size_t m = 0; m < t.by_member.size(); ++m) members[context.members[m]] = t.by_member[m];
    summary.push_back({{"policy", t.policy},
                       {"frames", t.all_frames()},
                       {"frames_met", t.all_met()},
                       {"frames_skipped", t.skipped},
                       {"deadlines_met", share(t.all_met(), t.all_frames())},
                       {"deadlines_met_unloaded", known(t.frames[0] > 0, share(t.met[0], t.frames[0]))},
                       {"deadlines_met_loaded", known(t.frames[1] > 0, share(t.met[1], t.frames[1]))},
                       {"mean_ms", t.mean_ms()},
                       {"p99_ms", t.p99_ms()},
                       {"images", t.images},
                       {"images_by_member", members},
                       {"confidence", t.mean_confidence()},
                       {"top1_in_time", known(context.labelled, t.top1_in_time())},
                       {"top1_answered", known(context.labelled, t.top1_answered())},
                       {"energy_mj", known(context.energy_sensor, t.energy_mj)},
                       {"best_static", static_cast<int>(i) == best}});
  }
  return {{"model", context.model},
          {"data", context.source},
          {"burst", context.burst},
          {"burst_ms", context.burst_ms()},
          {"period_ms", context.period_ms},
          {"deadline_ms", context.deadline_ms},
          {"load", context.load},
          {"rounds", context.rounds},
          {"accuracy_floor", context.accuracy_floor},
          {"summary", summary}};
}

LiveTable::LiveTable(const RunContext& context, Style style) : context_(context), style_(style) {}
LiveTable::~LiveTable() {
  clear();
}

LiveTable::Style LiveTable::style_for(bool quiet) {
  if (quiet) return Style::kOff;
  return isatty(STDERR_FILENO) == 1 ? Style::kTerminal : Style::kLines;
}

std::string LiveTable::line(const Tally& all, const Tally& second, const FrameResult& frame,
                            const RunContext& context) {
  const double seconds = static_cast<double>(frame.frame + 1) * context.period_ms / 1000;
  std::string text = fmt::format("{:5.1f} s  {:{}}  {:<6}  met {:>3} of {:<3}  mean {:5.1f} ms", seconds, all.policy,
                                 name_width(context), frame.loaded ? "loaded" : "", second.all_met(),
                                 second.all_frames(), second.mean_ms());
  if (context.labelled) text += fmt::format("  top1_in_time {:5.1f} %", 100 * second.top1_in_time());
  text += fmt::format("  confidence {:.2f}  {}  ({})", second.mean_confidence(), mix(second.by_member, context),
                      second.last_reason);
  return frame.names.empty() ? text : text + "  " + last_answer(frame, context);
}

void LiveTable::frame(const std::vector<Tally>& tallies, const FrameResult& frame, int64_t now) {
  if (style_ == Style::kOff) return;
  if (frame.policy != playing_ || second_.by_member.empty() || frame.frame == 0) {
    playing_ = frame.policy;
    second_ = Tally("", context_.members.size());
    next_ = now + kSecondNs;
  }
  second_.add(frame);
  if (now < next_) return;
  next_ = now + kSecondNs;
  draw(tallies, frame);
  second_ = Tally("", context_.members.size());
}

void LiveTable::draw(const std::vector<Tally>& tallies, const FrameResult& frame) {
  const Tally& playing = tallies[static_cast<std::size_t>(frame.policy)];
  std::string text = line(playing, second_, frame, context_) + "\n";
  if (style_ == Style::kTerminal) {
    clear();
    std::string table = closing_table(tallies, context_) + text;
    drawn_ = static_cast<std::size_t>(std::count(table.begin(), table.end(), '\n'));
    text = "\033[?7l" + table + "\033[?7h";  // lines longer than the terminal are cut, not wrapped
  }
  std::fputs(text.c_str(), stderr);
  std::fflush(stderr);
}

void LiveTable::clear() {
  if (drawn_ == 0) return;
  fmt::print(stderr, "\033[{}A\033[J", drawn_);
  std::fflush(stderr);
  drawn_ = 0;
}

}  // namespace limber::tool
