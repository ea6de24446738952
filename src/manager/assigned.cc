// SPDX-License-Identifier: Apache-2.0
#include "manager/assigned.h"

#include <algorithm>
#include <map>

#include "manager/accuracy_floor.h"
#include "manager/application_tables.h"
#include "manager/resource_manager.h"

namespace limber {
namespace {

class Assigned : public SystemPolicy {
 public:
  explicit Assigned(std::vector<ManagedProcessor> processors)
      : processors_(processors), manager_(std::move(processors)) {}

  void add(int id, const ManagedApplication& application, double now_ms) override {
    App& app = apps_[id];
    app.members = members_at_highest(application, processors_, "", 1);
    manager_.add(id, application, now_ms);
    manager_.set_announcing(id, false, now_ms);
    start(&app, application.target);
  }
  void remove(int id, double now_ms) override {
    apps_.erase(id);
    manager_.remove(id, now_ms);
  }
  void retarget(int id, const Target& target, double now_ms) override {
    manager_.retarget(id, target, now_ms);
    start(&apps_.at(id), target);
  }

  FrameOrder frame_begins(int id, const FrameStart& begin) override {
    App& app = apps_.at(id);
    manager_.divide_if_due(begin.now_ms);
    const ApplicationShare& share = manager_.share(id);
    const ManagedOption& planned = manager_.tables(id).options[share.option];
    Situation now;
    now.images_left = now.images_part = 1;
    now.left_ms = begin.deadline_ms - begin.now_ms;
    now.period_ms = app.period_ms;
    const Decision decision = app.policy->decide(now);
    app.begun_ms = begin.now_ms;
    app.member = std::min(decision.member, planned.member);
    FrameOrder order;
    order.member = app.member;
    order.processor = share.processor;
    order.threads = static_cast<int>(share.cores.size());
    if (processors_[share.processor].cpu && !manager_.pool().foreign(share.processor)) order.cores = share.cores;
    order.reason = decision.reason;
    return order;
  }
  void frame_ends(int id, const FrameEnd& end) override {
    App& app = apps_.at(id);
    if (!end.finished) return;
    const double elapsed_ms = end.now_ms - app.begun_ms;
    FrameOutcome outcome;
    outcome.elapsed_ms = elapsed_ms;
    outcome.profiled_ms = app.members[static_cast<std::size_t>(app.member)].image_ms;
    outcome.met = end.met;
    app.policy->report(outcome);
    manager_.observe(id, {app.member, elapsed_ms, end.done, end.met, end.confidence});
  }
  void look(const SystemView& view) override { manager_.look(view); }
  const std::vector<ClockOrder>& clocks() const override { return manager_.clocks(); }

 private:
  struct App {
    std::vector<PolicyMember> members;
    std::unique_ptr<Policy> policy;
    double period_ms = 0, begun_ms = 0;
    int member = 0;
  };
  static void start(App* app, const Target& target) {
    app->policy = make_policy("dynamic", app->members, target.accuracy);
    app->period_ms = target.rate_hz > 0 ? 1e3 / target.rate_hz : 0;
  }

  std::vector<ManagedProcessor> processors_;
  ResourceManager manager_;
  std::map<int, App> apps_;
};

}  // namespace

std::unique_ptr<SystemPolicy> make_assigned(std::vector<ManagedProcessor> processors) {
  return std::make_unique<Assigned>(std::move(processors));
}

}  // namespace limber
