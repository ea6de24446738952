// SPDX-License-Identifier: Apache-2.0
#include "manager/baselines.h"

#include <algorithm>
#include <map>

#include "base/error.h"
#include "manager/accuracy_floor.h"
#include "manager/application_tables.h"

namespace limber {
namespace {

class GovernorPolicy : public SystemPolicy {
 public:
  GovernorPolicy(std::vector<ManagedProcessor> processors, const GovernorPolicySettings& settings)
      : settings_(settings), processors_(std::move(processors)), clocks_(processors_.size()) {
    for (std::size_t p = 0; p < processors_.size(); ++p) {
      if (processors_[p].cpu) clocks_[p].governor = settings.governor;
      if (processors_[p].name == settings.processor) where_ = p;
    }
    int cores = 0;
    for (const ManagedProcessor& processor : processors_) cores += processor.cpu ? processor.cores : 0;
    if (settings.threads < 1 || settings.threads > cores)
      fail(ErrorCode::kInvalidArgument, "{} threads; legal: 1 to {}, the device's cores", settings.threads, cores);
    if (!settings.processor.empty() && where_ == kAnyProcessor)
      fail(ErrorCode::kInvalidArgument, "no processor '{}'", settings.processor);
  }

  void add(int id, const ManagedApplication& application, double) override {
    App& app = apps_[id];
    app.members = members_at_highest(application, processors_, settings_.processor, settings_.threads);
    app.target = application.target;
    start(&app);
  }
  void remove(int id, double) override { apps_.erase(id); }
  void retarget(int id, const Target& target, double) override {
    apps_.at(id).target = target;
    start(&apps_.at(id));
  }

  FrameOrder frame_begins(int id, const FrameStart& begin) override {
    App& app = apps_.at(id);
    Situation now;
    now.images_left = now.images_part = 1;
    now.left_ms = begin.deadline_ms - begin.now_ms;
    now.period_ms = app.target.rate_hz > 0 ? 1e3 / app.target.rate_hz : 0;
    const Decision decision = app.policy->decide(now);
    app.begun_ms = begin.now_ms;
    app.member = decision.member;
    FrameOrder order;
    order.member = decision.member;
    order.processor = where_;
    order.threads = where_ == kAnyProcessor || processors_[where_].cpu ? settings_.threads : 1;
    order.clamp_min = settings_.clamp_min;
    order.reason = decision.reason;
    return order;
  }
  void frame_ends(int id, const FrameEnd& end) override {
    App& app = apps_.at(id);
    FrameOutcome outcome;
    outcome.elapsed_ms = end.now_ms - app.begun_ms;
    outcome.profiled_ms = app.members[static_cast<std::size_t>(app.member)].image_ms;
    outcome.met = end.met;
    if (end.finished) app.policy->report(outcome);
  }
  void look(const SystemView&) override {}
  const std::vector<ClockOrder>& clocks() const override { return clocks_; }

 private:
  struct App {
    std::vector<PolicyMember> members;
    Target target;
    std::unique_ptr<Policy> policy;
    double begun_ms = 0;
    int member = 0;
  };

  void start(App* app) const {
    const double floor = app->target.accuracy;
    if (!settings_.member.starts_with("static:")) {
      app->policy = make_policy(settings_.member, app->members, floor);
      return;
    }
    std::string name = settings_.member;
    if (name == "static:largest") name = "static:" + app->members.back().name;
    if (name == "static:cheapest")
      name = "static:" + app->members[static_cast<std::size_t>(members_above(app->members, floor).front())].name;
    app->policy = make_policy(name, app->members);
  }

  GovernorPolicySettings settings_;
  std::vector<ManagedProcessor> processors_;
  std::vector<ClockOrder> clocks_;
  std::map<int, App> apps_;
  std::size_t where_ = kAnyProcessor;
};

}  // namespace

std::unique_ptr<SystemPolicy> make_governor_policy(std::vector<ManagedProcessor> processors,
                                                   const GovernorPolicySettings& settings) {
  return std::make_unique<GovernorPolicy>(std::move(processors), settings);
}

}  // namespace limber
