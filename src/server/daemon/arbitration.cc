// SPDX-License-Identifier: Apache-2.0
#include "server/daemon/arbitration.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "base/cpu_list.h"
#include "base/error.h"

namespace limber::server {
namespace {

constexpr double kNever = std::numeric_limits<double>::infinity();
constexpr double kDeviations = 1.64;

double share_of_clock(const ManagedProcessor& processor, std::size_t point) {
  const auto top = static_cast<double>(processor.khz.back());
  return top > 0 ? static_cast<double>(processor.khz[point]) / top : 1;
}

// Where nobody knows watts: what a core takes is counted in shares of what it takes at its highest clock, which grows
// with the third power of the clock over a constant part. Enough to prefer small members and low clocks, and shown to
// nobody as energy.
void count_in_shares(std::vector<ArbitratedProcessor>* processors) {
  for (ArbitratedProcessor& processor : *processors) {
    const std::size_t points = processor.tables.khz.size();
    processor.tables.idle_w.assign(points, 0);
    processor.core_w.clear();
    for (std::size_t i = 0; i < points; ++i)
      processor.core_w.push_back(0.2 + 0.8 * std::pow(share_of_clock(processor.tables, i), 3));
  }
}

std::vector<ArbitratedProcessor> with_costs(std::vector<ArbitratedProcessor> processors) {
  const bool all = std::all_of(processors.begin(), processors.end(), [](const ArbitratedProcessor& processor) {
    const std::size_t points = processor.tables.khz.size();
    return processor.tables.idle_w.size() == points && processor.core_w.size() == points;
  });
  if (!all) count_in_shares(&processors);
  return processors;
}

std::vector<ManagedProcessor> tables_of(const std::vector<ArbitratedProcessor>& processors) {
  std::vector<ManagedProcessor> tables;
  for (const ArbitratedProcessor& processor : processors) tables.push_back(processor.tables);
  return tables;
}

ResourceManagerSettings measured() {
  ResourceManagerSettings settings;
  settings.measured = true;
  return settings;
}

}  // namespace

Arbitration::Arbitration(std::vector<ArbitratedProcessor> processors)
    : processors_(with_costs(std::move(processors))),
      obeys_(processors_.size(), true),
      manager_(tables_of(processors_), measured()) {}

void Arbitration::add_options(const SessionOption& option, ManagedApplication* application) const {
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
      made.ms.push_back(option.ms.size() == 1 ? option.ms[0] * slower / share_of_clock(processor.tables, i)
                                              : option.ms[i]);
      made.busy_w.push_back(processor.core_w[i] * option.cores);
    }
    application->options.push_back(std::move(made));
  }
  if (!known && !option.processor.empty())
    fail(ErrorCode::kInvalidArgument, "open: no processor '{}'; there are: {}", option.processor, names);
}

void Arbitration::add(int id, const OpenSession& open, double now_ms) {
  ManagedApplication application;
  application.name = open.name;
  application.members = open.members;
  application.target = open.target;
  for (const SessionOption& option : open.options) add_options(option, &application);
  if (application.options.empty())
    fail(ErrorCode::kInvalidArgument, "open: every option needs more cores than a processor here has");
  manager_.add(id, application, now_ms);
  apps_[id].asks = open.announces;
  manager_.set_announcing(id, announces(id), now_ms);
}

void Arbitration::remove(int id, double now_ms) {
  manager_.remove(id, now_ms);
  apps_.erase(id);
}

void Arbitration::retarget(int id, const Target& target, double now_ms) {
  manager_.retarget(id, target, now_ms);
}

bool Arbitration::divide(double now_ms) {
  manager_.divide_if_due(now_ms);
  const int64_t before = std::exchange(divisions_, manager_.divisions());
  return divisions_ != before;
}

// There is something to order for a frame where a clock can be set; else the application, which sees inside its frame,
// chooses better.
bool Arbitration::announces(int id) const {
  if (!apps_.at(id).asks) return false;
  const auto& options = manager_.tables(id).options;
  return std::any_of(options.begin(), options.end(), [&](const ManagedOption& option) {
    return obeys_[option.processor] && processors_[option.processor].tables.khz.size() > 1;
  });
}

bool Arbitration::set_clock_obeys(std::size_t processor, bool obeys, double now_ms) {
  if (obeys_[processor] == obeys) return false;
  obeys_[processor] = obeys;
  for (const auto& [id, app] : apps_) manager_.set_announcing(id, announces(id), now_ms);
  return true;
}

FrameOrdered Arbitration::begin(int id, const FrameBegins& frame, double now_ms) {
  App& app = apps_.at(id);
  FrameStart start;
  start.now_ms = now_ms;
  start.deadline_ms = now_ms + frame.left_ms;
  for (const double left_ms : frame.waiting_ms) start.waiting_ms.push_back(now_ms + left_ms);
  const FrameOrder order = manager_.frame_begins(id, start);
  const ManagedApplication& tables = manager_.tables(id);
  app.frame = frame.frame;
  app.check_ms = order.check_at_ms > 0 ? order.check_at_ms : kNever;
  app.lost_ms = now_ms + std::max(0.0, frame.left_ms) + std::max(kLostMs, 10 * tables.target.deadline_ms);
  for (const ManagedOption& option : tables.options)
    if (option.member == order.member && option.processor == order.processor && option.cores == order.threads)
      app.option_ms = option.ms.back();

  const ArbitratedProcessor& processor = processors_[order.processor];
  const ApplicationShare& share = manager_.share(id);
  FrameOrdered ordered;
  ordered.frame = frame.frame;
  ordered.member = order.member;
  ordered.processor = processor.tables.name;
  ordered.cores = order.threads;
  ordered.expected_ms = order.expected_ms;
  // Where others work, too, the manager leaves the cores to the system's scheduler; threads of ours stay where they
  // are.
  const std::vector<int>& cores = order.cores.empty() && share.processor == order.processor ? share.cores : order.cores;
  for (const int core : cores)
    if (processor.tables.cpu) ordered.cpus.push_back(processor.cpus.at(static_cast<std::size_t>(core)));
  if (ordered.cpus.empty() && processor.tables.cpu) ordered.cpus = processor.cpus;
  std::sort(ordered.cpus.begin(), ordered.cpus.end());
  ordered.reason = order.reason;
  return ordered;
}

void Arbitration::count(App* app, const FrameReport& frame) {
  Record& record = app->record;
  ++record.frames;
  record.met += frame.met;
  record.elapsed_ms = frame.elapsed_ms;
  record.member = frame.member;
  if (app->recent.size() < kRecent) {
    app->recent.push_back(frame.met);
  } else {
    app->recent[app->next] = frame.met;
    app->next = (app->next + 1) % kRecent;
  }
}

void Arbitration::report(int id, const std::vector<FrameReport>& frames, double now_ms) {
  App& app = apps_.at(id);
  for (const FrameReport& frame : frames) {
    count(&app, frame);
    if (frame.frame != 0 && frame.frame == app.frame) {
      const double done = frame.work_ms > 0 ? frame.work_ms / app.option_ms : 1;
      manager_.frame_ends(id, {now_ms, frame.met, frame.elapsed_ms > 0, frame.confidence, done});
      app.frame = 0;
      continue;
    }
    double done = 1;
    for (const ManagedOption& option : manager_.tables(id).options)
      if (option.member == frame.member && frame.work_ms > 0) done = frame.work_ms / option.ms.back();
    manager_.observe(id, {frame.member, frame.elapsed_ms, done, frame.met, frame.confidence});
  }
}

double Arbitration::next_check_ms() const {
  double next = kNever;
  for (const auto& [id, app] : apps_)
    if (app.frame != 0) next = std::min({next, app.check_ms, app.lost_ms});
  return next;
}

void Arbitration::check(double now_ms) {
  for (auto& [id, app] : apps_) {
    if (app.frame == 0) continue;
    if (now_ms >= app.lost_ms) {
      manager_.frame_ends(id, {now_ms, false, false});
      app.frame = 0;
    } else if (now_ms >= app.check_ms) {
      manager_.frame_checked(id, now_ms);
      app.check_ms = kNever;
    }
  }
}

std::string Arbitration::neighbours(int id) const {
  const ApplicationShare& share = manager_.share(id);
  std::string names;
  for (const auto& [other_id, other] : apps_) {
    const ApplicationShare& there = manager_.share(other_id);
    if (other_id == id || there.processor != share.processor) continue;
    const bool common = std::any_of(there.cores.begin(), there.cores.end(), [&](int core) {
      return std::find(share.cores.begin(), share.cores.end(), core) != share.cores.end();
    });
    if (common) names += (names.empty() ? "" : ", ") + manager_.tables(other_id).name;
    if (names.size() > 100) return names.substr(0, 100) + "...";
  }
  return names;
}

std::string Arbitration::reason(int id, const Assignment& given) const {
  const ManagedApplication& tables = manager_.tables(id);
  const ApplicationShare& share = manager_.share(id);
  const ManagedOption& option = tables.options[share.option];
  std::string text = given.exclusive ? fmt::format("CPU {} alone", print_cpu_list(given.cpus))
                                     : fmt::format("CPU {} shared with {}", print_cpu_list(given.cpus), neighbours(id));
  double load = 0;
  for (const int core : share.cores)
    load = std::max(load, manager_.pool().others(share.processor)[static_cast<std::size_t>(core)]);
  if (load > 0.1) text += fmt::format(", others use {:.0f} % of it", 100 * load);
  if (given.khz > 0) text += fmt::format(", {} MHz", given.khz / 1000);
  text += fmt::format("; {} takes {:.1f} of {:.1f} ms", tables.members[static_cast<std::size_t>(option.member)].name,
                      option.ms[manager_.planned_point(id)] * manager_.estimate(id).factor(share.option),
                      tables.target.deadline_ms);
  if (given.announce) text += "; each frame gets an order of its own";
  if (!given.announce && given.exclusive && tables.target.prefer_accuracy)
    text += "; any member, the application sees its deadline";
  if (!given.met) text += "; best effort, nothing is surely in time";
  return text;
}

Assignment Arbitration::assignment(int id) const {
  const ManagedApplication& tables = manager_.tables(id);
  const ApplicationShare& share = manager_.share(id);
  const Target& target = tables.target;
  const int last = static_cast<int>(tables.members.size()) - 1;
  Assignment given;
  const auto enough = std::find_if(tables.members.begin(), tables.members.end(),
                                   [&](const ManagedMember& member) { return member.accuracy >= target.accuracy; });
  given.floor = std::min(last, static_cast<int>(enough - tables.members.begin()));
  given.ceiling = last;
  given.announce = announces(id);
  if (share.processor == kAnyProcessor) {
    given.reason = "not divided yet";
    return given;
  }
  const ArbitratedProcessor& processor = processors_[share.processor];
  const ManagedOption& option = tables.options[share.option];
  given.processor = processor.tables.name;
  if (processor.tables.cpu)
    for (const int core : share.cores) given.cpus.push_back(processor.cpus.at(static_cast<std::size_t>(core)));
  const std::size_t point = manager_.planned_point(id);
  given.khz = processor.tables.khz.size() > 1 ? processor.tables.khz[point] : 0;
  given.exclusive = share.exclusive;
  // On cores of its own the application takes nothing from others by answering as well as it can.
  if (!(given.exclusive && target.prefer_accuracy)) given.ceiling = option.member;
  given.floor = std::min(given.floor, given.ceiling);
  const WorkEstimate& estimate = manager_.estimate(id);
  const double careful = option.ms[point] * estimate.factor(share.option) *
                         (1 + kDeviations * estimate.deviation(share.option)) / target.aim;
  given.met = manager_.pool().available(share.processor) && careful <= target.deadline_ms &&
              tables.members[static_cast<std::size_t>(option.member)].accuracy >= target.accuracy - 1e-9;
  given.reason = reason(id, given);
  return given;
}

std::vector<std::string> Arbitration::member_names(int id) const {
  std::vector<std::string> names;
  for (const ManagedMember& member : manager_.tables(id).members) names.push_back(member.name);
  return names;
}

Arbitration::Record Arbitration::record(int id) const {
  const App& app = apps_.at(id);
  Record record = app.record;
  const auto met = std::count(app.recent.begin(), app.recent.end(), true);
  record.met_lately = app.recent.empty() ? 1 : static_cast<double>(met) / static_cast<double>(app.recent.size());
  record.slowdown = manager_.estimate(id).slowdown();
  return record;
}

}  // namespace limber::server
