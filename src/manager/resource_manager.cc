// SPDX-License-Identifier: Apache-2.0
// The slow level: applications, division, what monitors show, clocks.
#include "manager/resource_manager.h"

#include <algorithm>

#include "manager/application_tables.h"

namespace limber {
namespace {

constexpr double kUnlimited = std::numeric_limits<double>::infinity();
constexpr int kTrust = 3;  // frames that WorkEstimate takes for the table's own error

}  // namespace

ResourceManager::ResourceManager(std::vector<ManagedProcessor> processors, const ResourceManagerSettings& settings)
    : settings_(settings), pool_(std::move(processors), !settings.oracle), offers_(pool_.size()) {}

double ResourceManager::App::accuracy(const ManagedOption& option) const {
  return tables.members[static_cast<std::size_t>(option.member)].accuracy;
}

double ResourceManager::App::floor() const {
  return std::min(tables.target.accuracy, share.floor);
}

bool ResourceManager::App::owns(std::size_t p, int core) const {
  return share.processor == p && std::find(share.cores.begin(), share.cores.end(), core) != share.cores.end();
}

bool ResourceManager::App::can_use(std::size_t p) const {
  return std::any_of(tables.options.begin(), tables.options.end(),
                     [&](const ManagedOption& option) { return option.processor == p; });
}

void ResourceManager::add(int id, const ManagedApplication& application, double now_ms) {
  check_application(application, pool_.tables());
  App app;
  app.tables = application;
  if (!settings_.oracle) smooth_tables(pool_.tables(), &app.tables);
  app.core_w = core_watts(pool_.tables(), app.tables);
  app.estimate = WorkEstimate(app.tables.options.size());
  for (std::size_t o = 0; settings_.measured && o < app.tables.options.size(); ++o)
    for (int i = 0; i < kTrust; ++i) app.estimate.observe(o, 1);
  app.members = app.tables.members;
  app.confidence = ConfidenceEstimate(app.members.size());
  apps_[id] = std::move(app);
  retarget(id, application.target, now_ms);
}

void ResourceManager::remove(int id, double now_ms) {
  count_progress(now_ms);
  end_frame(&apps_.at(id));
  apps_.erase(id);
  due_ = true;
  set_clocks(now_ms);
}

void ResourceManager::retarget(int id, const Target& target, double /*now_ms*/) {
  App& app = apps_.at(id);
  app.tables.target = target;
  if (settings_.aim > 0) app.tables.target.aim = settings_.aim;
  if (settings_.largest_only) app.tables.target.accuracy = app.members.back().accuracy;
  due_ = true;
}

void ResourceManager::set_announcing(int id, bool announces, double now_ms) {
  if (apps_.at(id).announces == announces) return;
  apps_.at(id).announces = announces;
  set_clocks(now_ms);
}

void ResourceManager::observe(int id, const OwnFrame& frame) {
  App& app = apps_.at(id);
  late_ = late_ || !frame.met;
  learn_confidence(&app, frame.member, frame.confidence);
  const std::size_t p = app.share.processor;
  if (p == kAnyProcessor || frame.elapsed_ms <= 0 || frame.done <= 0) return;
  const std::size_t point = pool_.foreign(p) ? pool_.highest(p) : pool_.point(p);
  for (std::size_t o = 0; o < app.tables.options.size(); ++o) {
    const ManagedOption& option = app.option(o);
    if (option.member == frame.member && option.processor == p &&
        static_cast<std::size_t>(option.cores) == app.share.cores.size())
      app.estimate.observe(o, frame.elapsed_ms / (frame.done * option.ms[point]));
  }
}

void ResourceManager::learn_confidence(App* app, int member, double confidence) {
  const double asked = app->tables.target.confidence;
  if (asked <= 0) return;
  app->confidence.observe(member, confidence, asked);
  std::vector<ManagedMember> members = sure_members(app->members, app->confidence, asked);
  for (std::size_t m = 0; m < members.size(); ++m)
    due_ = due_ || members[m].accuracy != app->tables.members[m].accuracy;
  app->tables.members = std::move(members);
}

std::size_t ResourceManager::planned_point(int id) const {
  const ApplicationShare& share = apps_.at(id).share;
  const std::size_t p = share.processor;
  if (p == kAnyProcessor) return 0;
  return pool_.foreign(p) || share.points.empty() ? pool_.highest(p) : std::min(share.points[p], pool_.highest(p));
}

void ResourceManager::look(const SystemView& view) {
  count_progress(view.now_ms);
  due_ = pool_.look(view, !settings_.oracle) || due_;
  keep_cool(view);
  divide_if_due(view.now_ms);
  set_clocks(view.now_ms);
}

// Near the temperature cap the power that may be planned shrinks, below it grows again.
void ResourceManager::keep_cool(const SystemView& view) {
  constexpr double kNearC = 1.5, kDown = 0.97, kUp = 1.02, kMostW = 1e3;
  const double before = power_cap_w_;
  power_cap_w_ = view.cap_w;
  if (view.cap_c < kUnlimited && view.celsius > -273) {
    if (cool_w_ <= 0) cool_w_ = planned_w_;
    cool_w_ = std::clamp(cool_w_ * (view.celsius > view.cap_c - kNearC ? kDown : kUp), 1e-3, kMostW);
    power_cap_w_ = std::min(power_cap_w_, cool_w_);
  } else {
    cool_w_ = 0;
  }
  due_ = due_ || before != power_cap_w_;
}

void ResourceManager::divide_if_due(double now_ms) {
  const double since = now_ms - divided_ms_;
  if (!due_ && !(late_ && since >= kHurryMs) && since < kDivideMs) return;
  divide(now_ms);
  set_clocks(now_ms);
}

void ResourceManager::divide(double now_ms) {
  divided_ms_ = now_ms;
  due_ = late_ = false;
  ++divisions_;
  double shortest_ms = kUnlimited;
  bool all_announce = true;
  std::vector<DividedApplication> applications;
  for (auto& [id, app] : apps_) {
    applications.push_back({&app.tables, &app.estimate, &app.share});
    shortest_ms = std::min(shortest_ms, app.tables.target.deadline_ms);
    all_announce = all_announce && app.announces;
  }
  pool_.set_shortest_deadline(shortest_ms);
  std::vector<DividedProcessor> processors;
  for (std::size_t p = 0; p < pool_.size(); ++p)
    processors.push_back(
        {&pool_.tables(p), pool_.available(p), all_announce && pool_.parks(p), pool_.highest(p), pool_.plan_others(p)});
  planned_w_ = divide_processors(processors, applications, power_cap_w_, pool_.power.busy_scale());
}

void ResourceManager::set_clocks(double now_ms) {
  count_progress(now_ms);
  for (std::size_t p = 0; p < pool_.size(); ++p) {
    bool ours = false;
    ClockWish wish;
    for (const auto& [id, app] : apps_) {
      ours = ours || app.can_use(p);
      const bool has = app.share.processor == p && !app.share.points.empty();
      if (has) wish.planned = std::max(wish.planned, app.share.points[p]);
      if (has && !app.announces) wish.always = true;
      if (!app.running || app.option(app.chosen).processor != p) continue;
      wish.running = true;
      wish.wanted = std::max(wish.wanted, app.point);
    }
    if (ours) {
      pool_.order(p, wish);
    } else {
      pool_.give_back(p);
    }
  }
}

}  // namespace limber
