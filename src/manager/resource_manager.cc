// SPDX-License-Identifier: Apache-2.0
#include "manager/resource_manager.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>
#include <numeric>

#include "manager/application_tables.h"
#include "manager/confidence.h"
#include "manager/division.h"
#include "manager/frame_choice.h"
#include "manager/processor_pool.h"

namespace limber {
namespace {

constexpr double kDivideMs = 1000;  // between two divisions without a reason
constexpr double kUnlimited = std::numeric_limits<double>::infinity();

class ResourceManager : public SystemPolicy {
 public:
  ResourceManager(std::vector<ManagedProcessor> processors, const ResourceManagerSettings& settings)
      : settings_(settings), pool_(std::move(processors), !settings.oracle), offers_(pool_.size()) {}

  const std::vector<ClockOrder>& clocks() const override { return pool_.clocks(); }

  void add(int id, const ManagedApplication& application, double now_ms) override {
    check_application(application, pool_.tables());
    App app;
    app.tables = application;
    if (!settings_.oracle) smooth_tables(pool_.tables(), &app.tables);
    app.core_w = core_watts(pool_.tables(), app.tables);
    app.estimate = WorkEstimate(app.tables.options.size());
    app.members = app.tables.members;
    app.confidence = ConfidenceEstimate(app.members.size());
    apps_[id] = std::move(app);
    retarget(id, application.target, now_ms);
  }

  void remove(int id, double now_ms) override {
    end_frame(&apps_.at(id));
    apps_.erase(id);
    divide(now_ms);
    set_clocks(now_ms);
  }

  void retarget(int id, const Target& target, double now_ms) override {
    App& app = apps_.at(id);
    app.tables.target = target;
    if (settings_.aim > 0) app.tables.target.aim = settings_.aim;
    if (settings_.largest_only) app.tables.target.accuracy = app.members.back().accuracy;
    divide(now_ms);
  }

  FrameOrder frame_begins(int id, const FrameStart& start) override {
    App& app = apps_.at(id);
    count_progress(start.now_ms);
    const FrameNeed need = need_of(app, start);
    const FrameChoice choice = choose(app, need);
    const ManagedOption& option = app.option(choice.option);

    app.running = true;
    app.chosen = choice.option;
    app.point = choice.point;
    app.progress = 0;
    app.work = settings_.oracle ? start.work : 1;
    app.works_from_ms = start.now_ms + pool_.delay_ms(option.processor);
    app.cores = choose_cores(app, option);
    pool_.take(option.processor, app.cores);

    FrameOrder order;
    order.member = option.member;
    order.processor = option.processor;
    order.threads = option.cores;
    // Beside strangers the system's scheduler knows better, moment by moment, which core is free.
    if (pool_.tables(option.processor).cpu && !pool_.foreign(option.processor)) order.cores = app.cores;
    if (choice.boost_ms > 0) order.check_at_ms = start.now_ms + choice.boost_ms;
    order.reason = reason(app, choice, need);
    set_clocks(start.now_ms);
    return order;
  }

  // Faster, so that those that wait are in time, too.
  void frame_waits(int id, double now_ms, const std::vector<double>& waiting_ms) override {
    App& app = apps_.at(id);
    if (!app.running) return;
    count_progress(now_ms);
    const ManagedOption& option = app.option(app.chosen);
    const double left_ms = left_before(app, now_ms, waiting_ms);
    const double rest = std::max(0.0, app.work * app.estimate.factor(app.chosen) - app.progress);
    const std::size_t highest = pool_.highest(option.processor);
    if (rest * option.ms[highest] > left_ms) return;  // too late for them in any case
    while (app.point < highest && rest * option.ms[app.point] > left_ms) ++app.point;
    set_clocks(now_ms);
  }

  void frame_checked(int id, double now_ms) override {
    App& app = apps_.at(id);
    if (!app.running) return;
    app.point = pool_.highest(app.option(app.chosen).processor);
    set_clocks(now_ms);
  }

  void frame_ends(int id, const FrameEnd& end) override {
    App& app = apps_.at(id);
    if (!app.running) return;
    count_progress(end.now_ms);
    if (end.finished && app.progress > 0) app.estimate.observe(app.chosen, app.progress / app.work);
    if (app.tables.target.confidence > 0) {
      const double asked = app.tables.target.confidence;
      app.confidence.observe(app.option(app.chosen).member, end.confidence, asked);
      app.tables.members = sure_members(app.members, app.confidence, asked);
    }
    end_frame(&app);
    set_clocks(end.now_ms);
  }

  void look(const SystemView& view) override {
    count_progress(view.now_ms);
    const bool changed = pool_.look(view, !settings_.oracle);
    if (keep_cool(view) || changed || view.now_ms - divided_ms_ >= kDivideMs) divide(view.now_ms);
    set_clocks(view.now_ms);
  }

 private:
  struct App {
    ManagedApplication tables;
    std::vector<std::vector<double>> core_w;
    WorkEstimate estimate;
    ConfidenceEstimate confidence;
    std::vector<ManagedMember> members;  // as given; tables' are below every floor where they are not sure enough
    ApplicationShare share;
    // Of the frame that runs:
    bool running = false;
    std::size_t chosen = 0, point = 0;  // option, and what is wanted of the clock
    std::vector<int> cores;
    double works_from_ms = 0;  // the clock has woken
    double progress = 0;       // 1 at the end, if the tables are right
    double work = 1;           // an oracle's

    const ManagedOption& option(std::size_t o) const { return tables.options[o]; }
    double accuracy(const ManagedOption& option) const {
      return tables.members[static_cast<std::size_t>(option.member)].accuracy;
    }
    double floor() const { return std::min(tables.target.accuracy, share.floor); }
    bool owns(std::size_t p, int core) const {
      return share.processor == p && std::find(share.cores.begin(), share.cores.end(), core) != share.cores.end();
    }
  };

  // --- one frame ---

  FrameNeed need_of(const App& app, const FrameStart& start) const {
    const Target& target = app.tables.target;
    FrameNeed need;
    need.hard_ms = start.deadline_ms - start.now_ms;
    need.soft_ms = need.hard_ms - (1 - target.aim) * target.deadline_ms;
    need.soft_ms = std::min(need.soft_ms, left_before(app, start.now_ms, start.waiting_ms));
    need.accuracy = app.floor();
    need.prefer_accuracy = target.prefer_accuracy;
    need.energy_mj = target.energy_mj;
    if (settings_.oracle) {
      need.work = start.work;
      need.deviation = settings_.caution;
    }
    return need;
  }

  // Until when a frame must be done so that those behind it can be in time, each as fast as is possible; from now on.
  double left_before(const App& app, double now_ms, const std::vector<double>& waiting_ms) const {
    if (waiting_ms.empty()) return kUnlimited;
    double fastest_ms = kUnlimited;
    for (std::size_t o = 0; o < app.tables.options.size(); ++o) {
      const ManagedOption& option = app.option(o);
      if (!pool_.available(option.processor) || app.accuracy(option) < app.floor() - 1e-9) continue;
      const double careful = app.estimate.factor(o) * (1 + app.estimate.deviation(o));
      fastest_ms = std::min(fastest_ms, option.ms[pool_.highest(option.processor)] * careful);
    }
    double left_ms = kUnlimited;
    for (std::size_t i = 0; i < waiting_ms.size(); ++i)
      left_ms = std::min(left_ms, waiting_ms[i] - now_ms - static_cast<double>(i + 1) * fastest_ms);
    return left_ms;
  }

  FrameChoice choose(const App& app, const FrameNeed& need) {
    for (std::size_t p = 0; p < pool_.size(); ++p) offer(app, p, &offers_[p]);
    return choose_for_frame(app.tables, app.estimate, offers_, need, pool_.power.busy_scale());
  }

  void offer(const App& app, std::size_t p, ProcessorOffer* offer) const {
    const std::size_t planned = app.share.points.empty() ? pool_.highest(p) : app.share.points[p];
    offer->cores = pool_.available(p) ? free_cores(app, p) : 0;
    offer->lowest = 0;
    offer->highest = pool_.highest(p);
    offer->delay_ms = pool_.delay_ms(p);
    offer->longer_is_work = pool_.tables(p).cpu;
    offer->clock_w.assign(pool_.tables(p).khz.size(), 0);
    if (pool_.foreign(p)) {
      // Never below what others need; what is above it costs on their cores, too.
      const std::size_t needed = offer->lowest = std::min(pool_.needed(p), offer->highest);
      for (std::size_t i = needed; i <= offer->highest; ++i)
        offer->clock_w[i] =
            pool_.clock_w(p, needed, i) + pool_.others_sum(p) * (app.core_w[p][i] - app.core_w[p][needed]);
    } else if (!pool_.parks(p)) {
      offer->lowest = std::min(planned, offer->highest);
    } else {
      if (power_cap_w_ < kUnlimited) offer->highest = std::min(planned, offer->highest);
      for (std::size_t i = 0; i < offer->clock_w.size(); ++i) offer->clock_w[i] = pool_.clock_w(p, 0, i);
    }
  }

  // Its own or nobody's, and idle; where there is none, its own all the same.
  bool usable(const App& app, std::size_t p, int core) const {
    if (!pool_.idle(p, core)) return false;
    return app.owns(p, core) || std::none_of(apps_.begin(), apps_.end(), [&](const auto& other) {
             return other.second.share.exclusive && other.second.owns(p, core);
           });
  }

  int free_cores(const App& app, std::size_t p) const {
    int count = 0;
    for (int c = 0; c < pool_.tables(p).cores; ++c) count += usable(app, p, c) ? 1 : 0;
    if (count > 0 || app.share.processor != p) return count;
    return std::max(1, static_cast<int>(app.share.cores.size()));
  }

  std::vector<int> choose_cores(const App& app, const ManagedOption& option) const {
    const std::size_t p = option.processor;
    std::vector<int> cores(static_cast<std::size_t>(pool_.tables(p).cores));
    std::iota(cores.begin(), cores.end(), 0);
    const auto cost = [&](int c) { return (usable(app, p, c) ? 0 : 10) + pool_.load(p, c); };
    std::stable_sort(cores.begin(), cores.end(), [&](int a, int b) { return cost(a) < cost(b); });
    cores.resize(static_cast<std::size_t>(option.cores));
    return cores;
  }

  void end_frame(App* app) {
    if (!app->running) return;
    app->running = false;
    pool_.release(app->option(app->chosen).processor, app->cores);
  }

  // How far running frames should be by now, and what all took, if the tables are right.
  void count_progress(double now_ms) {
    const double seconds = (now_ms - counted_ms_) * 1e-3;
    for (std::size_t p = 0; p < pool_.size(); ++p)
      pool_.power.predict_idle(p, seconds, pool_.tables(p).idle_w[pool_.point(p)]);
    for (auto& [id, app] : apps_) {
      if (!app.running) continue;
      const ManagedOption& option = app.option(app.chosen);
      const std::size_t point = pool_.point(option.processor);
      const double from = std::max(counted_ms_, app.works_from_ms);
      if (now_ms > from) app.progress += (now_ms - from) / option.ms[point];
      pool_.power.predict_busy(option.processor, seconds, option.busy_w[point]);
    }
    counted_ms_ = now_ms;
  }

  void set_clocks(double now_ms) {
    count_progress(now_ms);
    for (std::size_t p = 0; p < pool_.size(); ++p) {
      bool used = false;
      std::size_t wanted = 0, planned = 0;
      for (const auto& [id, app] : apps_) {
        if (app.share.processor == p && !app.share.points.empty()) planned = std::max(planned, app.share.points[p]);
        if (!app.running || app.option(app.chosen).processor != p) continue;
        used = true;
        wanted = std::max(wanted, app.point);
      }
      pool_.order(p, used, wanted, planned);
    }
  }

  std::string reason(const App& app, const FrameChoice& choice, const FrameNeed& need) const {
    const ManagedOption& option = app.option(choice.option);
    const ManagedProcessor& processor = pool_.tables(option.processor);
    std::string text = fmt::format("{} on {} x{}", app.tables.members[static_cast<std::size_t>(option.member)].name,
                                   processor.name, option.cores);
    if (processor.khz.size() > 1) text += fmt::format(" at {} MHz", processor.khz[choice.point] / 1000);
    text += fmt::format(": {:.1f} of {:.1f} ms", choice.expected_ms, need.hard_ms);
    if (choice.energy_mj > 0) text += fmt::format(", {:.1f} mJ", choice.energy_mj);
    if (!choice.met) text += "; best effort, nothing is surely in time";
    return text;
  }

  // --- all applications ---

  void divide(double now_ms) {
    divided_ms_ = now_ms;
    double shortest_ms = kUnlimited;
    std::vector<DividedApplication> applications;
    for (auto& [id, app] : apps_) {
      applications.push_back({&app.tables, &app.estimate, &app.share});
      shortest_ms = std::min(shortest_ms, app.tables.target.deadline_ms);
    }
    pool_.set_shortest_deadline(shortest_ms);
    std::vector<DividedProcessor> processors;
    for (std::size_t p = 0; p < pool_.size(); ++p)
      processors.push_back({&pool_.tables(p), pool_.available(p), pool_.parks(p), pool_.highest(p), pool_.others(p)});
    planned_w_ = divide_processors(processors, applications, power_cap_w_, pool_.power.busy_scale());
  }

  // Near the temperature cap the power that may be planned shrinks, below it grows again. True where it changed.
  bool keep_cool(const SystemView& view) {
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
    return before != power_cap_w_;
  }

  ResourceManagerSettings settings_;
  ProcessorPool pool_;
  std::map<int, App> apps_;
  std::vector<ProcessorOffer> offers_;
  double divided_ms_ = 0, counted_ms_ = 0, planned_w_ = 0;
  double power_cap_w_ = kUnlimited, cool_w_ = 0;  // cool_w_: what the temperature cap leaves; 0: there is none
};

}  // namespace

std::unique_ptr<SystemPolicy> make_resource_manager(std::vector<ManagedProcessor> processors,
                                                    const ResourceManagerSettings& settings) {
  return std::make_unique<ResourceManager>(std::move(processors), settings);
}

}  // namespace limber
