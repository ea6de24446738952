// SPDX-License-Identifier: Apache-2.0
#include "server/daemon/arbitration.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/cpu_list.h"
#include "base/error.h"

namespace limber::server {
namespace {

constexpr double kForeign = 0.1;      // of a core's time: somebody else works here
constexpr double kLoadChange = 0.25;  // of a core's time: less is no reason to move anyone
constexpr double kDeviations = 1.64;
constexpr int kTrust = 3;  // frames that WorkEstimate takes for the table's own error

// Sessions bring no watts. What a core takes is counted in shares of what it takes at its highest clock, which grows
// with the third power of the clock over a constant part: enough to prefer small members and low clocks, and shown to
// nobody as energy.
double nominal_watts(double share_of_clock) {
  return 0.2 + 0.8 * std::pow(share_of_clock, 3);
}

double share_of_clock(const ManagedProcessor& processor, std::size_t point) {
  const auto top = static_cast<double>(processor.khz.back());
  return top > 0 ? static_cast<double>(processor.khz[point]) / top : 1;
}

}  // namespace

Arbitration::Arbitration(std::vector<ArbitratedProcessor> processors)
    : processors_(std::move(processors)),
      available_(processors_.size(), true),
      clocks_(processors_.size()),
      power_cap_w_(std::numeric_limits<double>::infinity()) {
  for (ArbitratedProcessor& processor : processors_) {
    processor.tables.idle_w.assign(processor.tables.khz.size(), 0);
    highest_.push_back(processor.tables.khz.size() - 1);
    others_.emplace_back(static_cast<std::size_t>(processor.tables.cores), 0);
  }
}

void Arbitration::add_options(const SessionOption& option, App* app) const {
  double fastest = 0;
  for (const auto& processor : processors_) fastest = std::max(fastest, processor.capacity);
  std::string names;
  bool known = false;
  for (std::size_t p = 0; p < processors_.size(); ++p) {
    const ArbitratedProcessor& processor = processors_[p];
    names += (names.empty() ? "" : ", ") + processor.tables.name;
    const bool named = option.processor == processor.tables.name;
    known = known || named;
    if (!(named || (option.processor.empty() && processor.tables.cpu)) || option.cores > processor.tables.cores)
      continue;
    const std::size_t points = processor.tables.khz.size();
    if (option.ms.size() != 1 && option.ms.size() != points)
      fail(ErrorCode::kInvalidArgument, "open: an option with {} times; {} has {} points; legal: 1 or {}",
           option.ms.size(), processor.tables.name, points, points);
    ManagedOption made{option.member, p, option.cores, {}, {}};
    const double slower = !named && processor.capacity > 0 ? fastest / processor.capacity : 1;
    for (std::size_t i = 0; i < points; ++i) {
      const double clock = share_of_clock(processor.tables, i);
      made.ms.push_back(option.ms.size() == 1 ? option.ms[0] * slower / clock : option.ms[i]);
      made.busy_w.push_back(nominal_watts(clock) * option.cores);
    }
    app->tables.options.push_back(std::move(made));
  }
  if (!known && !option.processor.empty())
    fail(ErrorCode::kInvalidArgument, "open: no processor '{}'; there are: {}", option.processor, names);
}

void Arbitration::add(int id, const OpenSession& open) {
  App app;
  app.tables.name = open.name;
  app.tables.members = open.members;
  app.tables.target = open.target;
  for (const SessionOption& option : open.options) add_options(option, &app);
  if (app.tables.options.empty())
    fail(ErrorCode::kInvalidArgument, "open: every option needs more cores than a processor here has");
  std::vector<ManagedProcessor> tables;
  for (const auto& processor : processors_) tables.push_back(processor.tables);
  check_application(app.tables, tables);
  app.estimate = WorkEstimate(app.tables.options.size());
  app.members = open.members;
  app.confidence = ConfidenceEstimate(open.members.size());
  // A client has measured its table: what is slower than it from now on is the machine, and slows every option.
  for (std::size_t o = 0; o < app.tables.options.size(); ++o)
    for (int i = 0; i < kTrust; ++i) app.estimate.observe(o, 1);
  apps_[id] = std::move(app);
  due_ = true;
}

void Arbitration::remove(int id) {
  apps_.erase(id);
  due_ = true;
}

void Arbitration::retarget(int id, const Target& target) {
  apps_.at(id).tables.target = target;
  due_ = true;
}

std::size_t Arbitration::point_of(const App& app) const {
  const std::size_t p = app.share.processor;
  if (p == kAnyProcessor || app.share.points.empty() || foreign(p)) return p == kAnyProcessor ? 0 : highest_[p];
  return std::min(app.share.points[p], highest_[p]);
}

void Arbitration::report(int id, const std::vector<FrameReport>& frames) {
  App& app = apps_.at(id);
  for (const FrameReport& frame : frames) {
    ++app.record.frames;
    app.record.met += frame.met;
    app.record.elapsed_ms = frame.elapsed_ms;
    app.record.member = frame.member;
    if (app.recent.size() < kRecent) {
      app.recent.push_back(frame.met);
    } else {
      app.recent[app.next] = frame.met;
      app.next = (app.next + 1) % kRecent;
    }
    late_ = late_ || !frame.met;
    app.confidence.observe(frame.member, frame.confidence, app.tables.target.confidence);
    if (app.share.processor == kAnyProcessor || frame.elapsed_ms <= 0) continue;  // skipped: nothing was learnt
    const std::size_t cores = app.share.cores.size();
    for (std::size_t o = 0; o < app.tables.options.size(); ++o) {
      const ManagedOption& option = app.tables.options[o];
      if (option.member != frame.member || option.processor != app.share.processor ||
          static_cast<std::size_t>(option.cores) != cores)
        continue;
      const double planned = option.ms[point_of(app)];
      app.estimate.observe(
          o, frame.elapsed_ms / (frame.work_ms > 0 ? frame.work_ms * planned / option.ms.back() : planned));
    }
  }
  const auto met = std::count(app.recent.begin(), app.recent.end(), true);
  app.record.met_lately = app.recent.empty() ? 1 : static_cast<double>(met) / static_cast<double>(app.recent.size());
  app.record.slowdown = app.estimate.slowdown();
  if (app.tables.target.confidence <= 0) return;
  const std::vector<ManagedMember> members = sure_members(app.members, app.confidence, app.tables.target.confidence);
  for (std::size_t m = 0; m < members.size(); ++m) due_ = due_ || members[m].accuracy != app.tables.members[m].accuracy;
  app.tables.members = members;
}

void Arbitration::look(const SystemView& view) {
  for (std::size_t p = 0; p < std::min(view.processors.size(), processors_.size()); ++p) {
    const SystemView::Processor& seen = view.processors[p];
    const std::size_t highest = std::min(seen.highest, processors_[p].tables.khz.size() - 1);
    due_ = due_ || seen.available != available_[p] || highest != highest_[p];
    available_[p] = seen.available;
    highest_[p] = highest;
    for (std::size_t c = 0; c < std::min(seen.others.size(), others_[p].size()); ++c) {
      const bool foreign_changed = (seen.others[c] > kForeign) != (others_[p][c] > kForeign);
      if (std::abs(seen.others[c] - others_[p][c]) < kLoadChange && !foreign_changed) continue;
      others_[p][c] = seen.others[c];
      due_ = true;
    }
  }
}

bool Arbitration::foreign(std::size_t p) const {
  return std::any_of(others_[p].begin(), others_[p].end(), [](double o) { return o > kForeign; });
}

bool Arbitration::divide(double now_ms) {
  const double since = now_ms - divided_ms_;
  if (!due_ && !(late_ && since >= kHurryMs) && since < kDivideMs) return false;
  divided_ms_ = now_ms;
  due_ = late_ = false;
  std::vector<DividedProcessor> processors;
  for (std::size_t p = 0; p < processors_.size(); ++p)
    processors.push_back({&processors_[p].tables, available_[p], false, highest_[p], others_[p]});
  std::vector<DividedApplication> applications;
  std::map<int, ApplicationShare> before;
  for (const auto& [id, app] : apps_) before[id] = app.share;
  for (auto& [id, app] : apps_) applications.push_back({&app.tables, &app.estimate, &app.share});
  divide_processors(processors, applications, power_cap_w_, 1);
  keep_places(before);
  set_clocks();
  return true;
}

double Arbitration::load_of(std::size_t processor, const std::vector<int>& cores) const {
  double load = 0;
  for (const int core : cores) load = std::max(load, others_[processor][static_cast<std::size_t>(core)]);
  return load;
}

// To move costs caches, and others' load comes and goes: who changed cores without much gain goes back.
void Arbitration::keep_places(const std::map<int, ApplicationShare>& before) {
  for (auto& [id, app] : apps_) {
    const ApplicationShare& was = before.at(id);
    ApplicationShare& is = app.share;
    if (was.processor != is.processor || was.cores.size() != is.cores.size() || was.cores == is.cores) continue;
    const bool gains = load_of(is.processor, was.cores) - load_of(is.processor, is.cores) >= kLoadChange;
    App* there = nullptr;  // who got the old cores
    bool common = false;   // part of them
    for (auto& [other_id, other] : apps_) {
      if (other_id == id || other.share.processor != is.processor) continue;
      if (other.share.cores == was.cores) {
        common = common || there != nullptr;
        there = &other;
      } else {
        for (const int core : other.share.cores)
          common = common || std::find(was.cores.begin(), was.cores.end(), core) != was.cores.end();
      }
    }
    if (common) continue;
    if (there == nullptr) {
      if (gains) continue;
      is.cores = was.cores;
      is.exclusive = true;
    } else if (!gains || there->tables.target.weight >= app.tables.target.weight) {
      std::swap(is.cores, there->share.cores);
      std::swap(is.exclusive, there->share.exclusive);
    }
  }
}

void Arbitration::set_clocks() {
  for (std::size_t p = 0; p < processors_.size(); ++p) {
    clocks_[p] = ClockOrder{};
    if (processors_[p].tables.khz.size() < 2) continue;
    for (const auto& [id, app] : apps_) {
      if (app.share.processor != p || app.share.points.empty()) continue;
      const std::size_t point = std::min(app.share.points[p], highest_[p]);
      // Where others work too, the system's governor goes on, and is only held from below.
      clocks_[p] = {foreign(p) ? ClockOrder::Kind::kAtLeast : ClockOrder::Kind::kFixed, "", point};
    }
  }
}

std::string Arbitration::neighbours(const App& app) const {
  std::string names;
  for (const auto& [id, other] : apps_) {
    if (&other == &app || other.share.processor != app.share.processor) continue;
    const bool common = std::any_of(other.share.cores.begin(), other.share.cores.end(), [&](int core) {
      return std::find(app.share.cores.begin(), app.share.cores.end(), core) != app.share.cores.end();
    });
    if (common) names += (names.empty() ? "" : ", ") + other.tables.name;
    if (names.size() > 100) return names.substr(0, 100) + "...";
  }
  return names;
}

std::string Arbitration::reason(const App& app, const Assignment& given) const {
  const ManagedOption& option = app.tables.options[app.share.option];
  std::string text = given.exclusive
                         ? fmt::format("CPU {} alone", print_cpu_list(given.cpus))
                         : fmt::format("CPU {} shared with {}", print_cpu_list(given.cpus), neighbours(app));
  double load = 0;
  for (const int core : app.share.cores)
    load = std::max(load, others_[app.share.processor][static_cast<std::size_t>(core)]);
  if (load > kForeign) text += fmt::format(", others use {:.0f} % of it", 100 * load);
  if (given.khz > 0) text += fmt::format(", {} MHz", given.khz / 1000);
  text +=
      fmt::format("; {} takes {:.1f} of {:.1f} ms", app.tables.members[static_cast<std::size_t>(option.member)].name,
                  option.ms[point_of(app)] * app.estimate.factor(app.share.option), app.tables.target.deadline_ms);
  if (given.exclusive && app.tables.target.prefer_accuracy) text += "; any member, the application sees its deadline";
  if (!given.met) text += "; best effort, nothing is surely in time";
  return text;
}

Assignment Arbitration::assignment(int id) const {
  const App& app = apps_.at(id);
  const int last = static_cast<int>(app.tables.members.size()) - 1;
  Assignment given;
  const Target& target = app.tables.target;
  const auto enough = std::find_if(app.tables.members.begin(), app.tables.members.end(),
                                   [&](const ManagedMember& member) { return member.accuracy >= target.accuracy; });
  given.floor = std::min(last, static_cast<int>(enough - app.tables.members.begin()));
  given.ceiling = last;
  if (app.share.processor == kAnyProcessor) {
    given.reason = "not divided yet";
    return given;
  }
  const ArbitratedProcessor& processor = processors_[app.share.processor];
  const ManagedOption& option = app.tables.options[app.share.option];
  given.processor = processor.tables.name;
  if (processor.tables.cpu)
    for (const int core : app.share.cores) given.cpus.push_back(processor.cpus.at(static_cast<std::size_t>(core)));
  const std::size_t point = point_of(app);
  given.khz = processor.tables.khz.size() > 1 ? processor.tables.khz[point] : 0;
  given.exclusive = app.share.exclusive;
  // On cores of its own the application takes nothing from others by answering as well as it can.
  if (!(given.exclusive && target.prefer_accuracy)) given.ceiling = option.member;
  given.floor = std::min(given.floor, given.ceiling);
  const double careful = option.ms[point] * app.estimate.factor(app.share.option) *
                         (1 + kDeviations * app.estimate.deviation(app.share.option)) / target.aim;
  given.met = available_[app.share.processor] && careful <= target.deadline_ms &&
              app.tables.members[static_cast<std::size_t>(option.member)].accuracy >= target.accuracy - 1e-9;
  given.reason = reason(app, given);
  return given;
}

std::vector<std::string> Arbitration::member_names(int id) const {
  std::vector<std::string> names;
  for (const ManagedMember& member : apps_.at(id).tables.members) names.push_back(member.name);
  return names;
}

Arbitration::Record Arbitration::record(int id) const {
  return apps_.at(id).record;
}

}  // namespace limber::server
