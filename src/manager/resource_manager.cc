// SPDX-License-Identifier: Apache-2.0
#include "manager/resource_manager.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>
#include <numeric>

#include "base/error.h"
#include "manager/division.h"
#include "manager/frame_choice.h"
#include "manager/power_estimate.h"
#include "manager/smoothing.h"

namespace limber {
namespace {

constexpr double kForeign = 0.1;     // of a core's time: somebody else works here
constexpr double kParkShare = 0.04;  // of a frame's deadline, that waking a clock may take
constexpr double kDivideMs = 1000;   // between two divisions without a reason

class ResourceManager : public SystemPolicy {
 public:
  ResourceManager(std::vector<ManagedProcessor> processors, const ResourceManagerSettings& settings)
      : settings_(settings),
        processors_(std::move(processors)),
        states_(processors_.size()),
        clocks_(states_.size()),
        power_(states_.size()) {
    for (std::size_t p = 0; p < processors_.size(); ++p) {
      if (!settings.oracle) processors_[p].idle_w = smooth_watts(processors_[p].khz, processors_[p].idle_w);
      states_[p].highest = processors_[p].khz.size() - 1;
      states_[p].others.assign(static_cast<std::size_t>(processors_[p].cores), 0);
      states_[p].used_by.assign(static_cast<std::size_t>(processors_[p].cores), 0);
    }
  }

  const std::vector<ClockOrder>& clocks() const override { return clocks_; }

  void add(int id, const ManagedApplication& application, double now_ms) override {
    check_application(application, processors_);
    App app;
    app.tables = application;
    if (!settings_.oracle) smooth(&app.tables);
    app.estimate = WorkEstimate(app.tables.options.size());
    for (const ManagedProcessor& processor : processors_) app.core_w.emplace_back(processor.khz.size(), 0);
    for (const ManagedOption& option : app.tables.options) {
      for (std::size_t i = 0; i < option.busy_w.size(); ++i)
        app.core_w[option.processor][i] = option.busy_w[i] / option.cores;
    }
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
    if (settings_.largest_only) app.tables.target.accuracy = app.tables.members.back().accuracy;
    divide(now_ms);
  }

  FrameOrder frame_begins(int id, const FrameStart& start) override {
    App& app = apps_.at(id);
    const Target& target = app.tables.target;
    FrameNeed need;
    need.hard_ms = start.deadline_ms - start.now_ms;
    need.soft_ms = need.hard_ms - (1 - target.aim) * target.deadline_ms;
    if (!start.waiting_ms.empty())
      need.soft_ms = std::min(need.soft_ms, time_left(app, start.now_ms, start.waiting_ms));
    need.accuracy = std::min(target.accuracy, app.share.floor);
    need.prefer_accuracy = target.prefer_accuracy;
    need.energy_mj = target.energy_mj;
    if (settings_.oracle) {
      need.work = start.work;
      need.deviation = settings_.caution;
    }
    count_progress(start.now_ms);
    const FrameChoice choice = choose(app, need);
    const ManagedOption& option = app.tables.options[choice.option];

    app.running = true;
    app.option = choice.option;
    app.point = choice.point;
    app.progress = 0;
    app.begun_ms = start.now_ms;
    app.delay_ms = delay(option.processor);
    app.work = start.work > 0 ? start.work : 1;
    app.cores = take_cores(app, option);

    FrameOrder order;
    order.member = option.member;
    order.processor = option.processor;
    order.threads = option.cores;
    if (processors_[option.processor].cpu) order.cores = app.cores;
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
    const ManagedOption& option = app.tables.options[app.option];
    const double left_ms = time_left(app, now_ms, waiting_ms);
    const double rest = std::max(0.0, app.work * app.estimate.factor(app.option) - app.progress);
    const std::size_t highest = states_[option.processor].highest;
    if (rest * option.ms[highest] > left_ms) return;  // too late for them in any case
    while (app.point < highest && rest * option.ms[app.point] > left_ms) ++app.point;
    set_clocks(now_ms);
  }

  void frame_checked(int id, double now_ms) override {
    App& app = apps_.at(id);
    if (!app.running) return;
    count_progress(now_ms);
    app.point = states_[app.tables.options[app.option].processor].highest;
    set_clocks(now_ms);
  }

  void frame_ends(int id, const FrameEnd& end) override {
    App& app = apps_.at(id);
    if (!app.running) return;
    count_progress(end.now_ms);
    if (end.finished && app.progress > 0) app.estimate.observe(app.option, app.progress / app.work);
    end_frame(&app);
    set_clocks(end.now_ms);
  }

  void look(const SystemView& view) override {
    bool changed = false;
    for (std::size_t p = 0; p < states_.size(); ++p) {
      State& state = states_[p];
      const SystemView::Processor& seen = view.processors.at(p);
      const std::size_t highest = std::min(seen.highest, processors_[p].khz.size() - 1);
      const bool foreign_before = foreign(p);
      changed = changed || seen.available != state.available || highest != state.highest;
      state.available = seen.available;
      state.highest = highest;
      if (seen.others.size() == state.others.size()) state.others = seen.others;
      changed = changed || foreign(p) != foreign_before;
      if (foreign(p)) find_needed(p, seen.point);
    }
    learn_power(view);
    changed = keep_cool(view) || changed;
    if (changed || view.now_ms - divided_ms_ >= kDivideMs) divide(view.now_ms);
    set_clocks(view.now_ms);
  }

 private:
  struct App {
    ManagedApplication tables;
    WorkEstimate estimate;
    ApplicationShare share;
    std::vector<std::vector<double>> core_w;  // of each processor at each point: what a busy core takes
    bool running = false;
    std::size_t option = 0, point = 0;
    std::vector<int> cores;
    double progress = 0;  // of the frame's work, as the tables say; 1 at the end if they are right
    double begun_ms = 0, delay_ms = 0, work = 1;
  };
  struct State {
    bool available = true;
    std::size_t highest = 0, point = 0;
    std::size_t needed = 0;      // by others
    std::vector<double> others;  // of each core
    std::vector<int> used_by;    // frames that run on each core now
    double others_sum() const { return std::accumulate(others.begin(), others.end(), 0.0); }
    bool ours = false;  // a frame ran there: its clock is ours to set
  };

  void smooth(ManagedApplication* tables) const {
    for (ManagedOption& option : tables->options)
      option.ms = smooth_times(processors_[option.processor].khz, option.ms);
    // What a core takes at a point is the same for every member: their tables' errors average out.
    for (std::size_t p = 0; p < processors_.size(); ++p) {
      std::vector<double> sum(processors_[p].khz.size(), 0);
      int count = 0;
      for (const ManagedOption& option : tables->options) {
        if (option.processor != p) continue;
        for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += option.busy_w[i] / option.cores;
        ++count;
      }
      if (count == 0) continue;
      for (double& watts : sum) watts /= count;
      sum = smooth_watts(processors_[p].khz, sum);
      for (ManagedOption& option : tables->options) {
        if (option.processor != p) continue;
        for (std::size_t i = 0; i < sum.size(); ++i) option.busy_w[i] = sum[i] * option.cores;
      }
    }
  }

  // --- one frame ---

  bool foreign(std::size_t p) const {
    return std::any_of(states_[p].others.begin(), states_[p].others.end(), [](double o) { return o > kForeign; });
  }

  // A clock rests between frames where waking it takes little of a frame's time.
  bool parks(std::size_t p) const {
    if (foreign(p)) return false;
    for (const auto& [id, app] : apps_) {
      if (processors_[p].switch_ms > kParkShare * app.tables.target.deadline_ms) return false;
    }
    return true;
  }

  // What others need of the clock, by the governor's own rule: a quarter more than they use now.
  void find_needed(std::size_t p, std::size_t now) {
    State& state = states_[p];
    const std::vector<int64_t>& khz = processors_[p].khz;
    const double most = *std::max_element(state.others.begin(), state.others.end());
    const double wanted = 1.25 * most * static_cast<double>(khz[now]);
    state.needed = 0;
    while (state.needed < state.highest && static_cast<double>(khz[state.needed]) < wanted) ++state.needed;
  }

  // Until when a frame must be done so that those behind it can be in time, each as fast as is possible.
  double time_left(const App& app, double now_ms, const std::vector<double>& waiting_ms) const {
    double fastest_ms = std::numeric_limits<double>::infinity();
    for (std::size_t o = 0; o < app.tables.options.size(); ++o) {
      const ManagedOption& option = app.tables.options[o];
      const State& state = states_[option.processor];
      if (!state.available || app.tables.members[static_cast<std::size_t>(option.member)].accuracy <
                                  std::min(app.tables.target.accuracy, app.share.floor) - 1e-9)
        continue;
      const double careful = 1 + app.estimate.deviation(o);
      fastest_ms = std::min(fastest_ms, option.ms[state.highest] * app.estimate.factor(o) * careful);
    }
    double left_ms = std::numeric_limits<double>::infinity();
    for (std::size_t i = 0; i < waiting_ms.size(); ++i)
      left_ms = std::min(left_ms, waiting_ms[i] - now_ms - static_cast<double>(i + 1) * fastest_ms);
    return left_ms;
  }

  double clock_w(std::size_t p, std::size_t from, std::size_t to) const {
    return power_.idle_scale(p) * (processors_[p].idle_w[to] - processors_[p].idle_w[from]);
  }

  double delay(std::size_t p) const { return foreign(p) || states_[p].point > 0 ? 0 : processors_[p].switch_ms; }

  FrameChoice choose(const App& app, const FrameNeed& need) {
    offers_.resize(processors_.size());
    for (std::size_t p = 0; p < processors_.size(); ++p) {
      const State& state = states_[p];
      ProcessorOffer& offer = offers_[p];
      offer.cores = state.available ? free_cores(app, p) : 0;
      offer.highest = state.highest;
      offer.lowest = 0;
      offer.clock_w.assign(processors_[p].khz.size(), 0);
      offer.delay_ms = delay(p);
      if (foreign(p)) {
        // Never below what they need; what is above it costs on their cores, too.
        offer.lowest = state.needed;
        for (std::size_t i = state.needed; i <= state.highest; ++i)
          offer.clock_w[i] =
              clock_w(p, state.needed, i) + state.others_sum() * (app.core_w[p][i] - app.core_w[p][state.needed]);
        continue;
      }
      if (!parks(p)) {
        offer.lowest = offer.highest =
            std::min(app.share.points.empty() ? state.highest : app.share.points[p], state.highest);
        continue;
      }
      if (capped()) offer.highest = std::min(offer.highest, app.share.points[p]);
      for (std::size_t i = 0; i < offer.clock_w.size(); ++i) offer.clock_w[i] = clock_w(p, 0, i);
    }
    return choose_for_frame(app.tables, app.estimate, offers_, need, power_.busy_scale());
  }

  // Free now, and its own or nobody's; a core that others use counts only where it is needed.
  int free_cores(const App& app, std::size_t p) const {
    int count = 0;
    for (int c = 0; c < processors_[p].cores; ++c) count += usable(app, p, c) ? 1 : 0;
    if (count == 0 && app.share.processor == p) return std::max(1, static_cast<int>(app.share.cores.size()));
    return count;
  }

  bool usable(const App& app, std::size_t p, int core) const {
    const auto c = static_cast<std::size_t>(core);
    if (states_[p].used_by[c] > 0 || states_[p].others[c] > kForeign) return false;
    const bool own = app.share.processor == p &&
                     std::find(app.share.cores.begin(), app.share.cores.end(), core) != app.share.cores.end();
    if (own) return true;
    for (const auto& [id, other] : apps_) {
      if (&other != &app && other.share.exclusive && other.share.processor == p &&
          std::find(other.share.cores.begin(), other.share.cores.end(), core) != other.share.cores.end())
        return false;
    }
    return true;
  }

  std::vector<int> take_cores(const App& app, const ManagedOption& option) {
    const std::size_t p = option.processor;
    State& state = states_[p];
    std::vector<int> order(static_cast<std::size_t>(processors_[p].cores));
    for (int c = 0; c < processors_[p].cores; ++c) order[static_cast<std::size_t>(c)] = c;
    const auto cost = [&](int c) {
      const auto i = static_cast<std::size_t>(c);
      return (usable(app, p, c) ? 0 : 10) + state.used_by[i] + state.others[i];
    };
    std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return cost(a) < cost(b); });
    order.resize(static_cast<std::size_t>(option.cores));
    for (const int c : order) ++state.used_by[static_cast<std::size_t>(c)];
    return order;
  }

  void end_frame(App* app) {
    if (!app->running) return;
    app->running = false;
    State& state = states_[app->tables.options[app->option].processor];
    for (const int c : app->cores) --state.used_by[static_cast<std::size_t>(c)];
  }

  // How far running frames should be by now, and what it took, if the tables are right.
  void count_progress(double now_ms) {
    const double seconds = (now_ms - counted_ms_) * 1e-3;
    for (std::size_t p = 0; p < states_.size(); ++p)
      power_.predict_idle(p, seconds, processors_[p].idle_w[states_[p].point]);
    for (auto& [id, app] : apps_) {
      if (!app.running) continue;
      const ManagedOption& option = app.tables.options[app.option];
      const std::size_t point = states_[option.processor].point;
      const double from = std::max(counted_ms_, app.begun_ms + app.delay_ms);
      if (now_ms > from) app.progress += (now_ms - from) / option.ms[point];
      power_.predict_busy(option.processor, seconds, option.busy_w[point]);
    }
    counted_ms_ = now_ms;
  }

  void set_clocks(double now_ms) {
    count_progress(now_ms);
    for (std::size_t p = 0; p < states_.size(); ++p) {
      if (processors_[p].khz.size() < 2) continue;  // not ours to choose
      State& state = states_[p];
      bool used = false;
      std::size_t wanted = 0;
      for (const auto& [id, app] : apps_) {
        if (!app.running || app.tables.options[app.option].processor != p) continue;
        used = true;
        wanted = std::max(wanted, app.point);
      }
      wanted = std::min(wanted, state.highest);
      if (foreign(p)) {
        state.point = std::max(wanted, std::min(state.needed, state.highest));
        clocks_[p] = used ? ClockOrder{ClockOrder::Kind::kFixed, "", state.point} : ClockOrder{};
      } else if (used || (state.ours && parks(p))) {
        clocks_[p] = {ClockOrder::Kind::kFixed, "", used ? wanted : 0};
        state.point = used ? wanted : 0;
        state.ours = true;
      } else if (state.ours) {
        std::size_t point = 0;
        for (const auto& [id, app] : apps_) {
          if (app.share.processor == p && !app.share.points.empty()) point = std::max(point, app.share.points[p]);
        }
        clocks_[p] = {ClockOrder::Kind::kFixed, "", std::min(point, state.highest)};
        state.point = std::min(point, state.highest);
      }
    }
  }

  std::string reason(const App& app, const FrameChoice& choice, const FrameNeed& need) const {
    const ManagedOption& option = app.tables.options[choice.option];
    const ManagedProcessor& processor = processors_[option.processor];
    std::string text = fmt::format("{} on {} x{}", app.tables.members[static_cast<std::size_t>(option.member)].name,
                                   processor.name, option.cores);
    if (processor.khz.size() > 1) text += fmt::format(" at {} MHz", processor.khz[choice.point] / 1000);
    text += fmt::format(": {:.1f} of {:.1f} ms", choice.expected_ms, need.hard_ms);
    if (choice.energy_mj > 0) text += fmt::format(", {:.1f} mJ", choice.energy_mj);
    if (!choice.met) text += "; best effort, nothing is in time";
    return text;
  }

  // --- all applications ---

  bool capped() const { return power_cap_w_ < std::numeric_limits<double>::infinity(); }

  void divide(double now_ms) {
    divided_ms_ = now_ms;
    std::vector<DividedApplication> applications;
    for (auto& [id, app] : apps_) applications.push_back({&app.tables, &app.estimate, &app.share});
    std::vector<DividedProcessor> processors;
    for (std::size_t p = 0; p < processors_.size(); ++p)
      processors.push_back({&processors_[p], states_[p].available, parks(p), states_[p].highest, states_[p].others});
    divide_processors(processors, applications, power_cap_w_, power_.busy_scale());
  }

  void learn_power(const SystemView& view) {
    count_progress(view.now_ms);
    for (std::size_t p = 0; p < states_.size(); ++p) {
      const bool apart = processors_[p].cpu && states_[p].ours && !foreign(p);
      power_.sense(p, apart && !settings_.oracle ? view.processors[p].power_w : -1);
    }
  }

  // Above the cap's neighbourhood the power that may be planned shrinks, below it grows again.
  bool keep_cool(const SystemView& view) {
    const double before = power_cap_w_;
    double cap = view.cap_w;
    if (view.cap_c < std::numeric_limits<double>::infinity() && view.celsius > -273 && view.power_w >= 0) {
      constexpr double kNearC = 1.5, kDown = 0.97, kUp = 1.02;
      if (cool_w_ <= 0) cool_w_ = view.power_w;
      cool_w_ *= view.celsius > view.cap_c - kNearC ? kDown : kUp;
      cool_w_ = std::clamp(cool_w_, 0.1, 1e3);
      cap = std::min(cap, cool_w_);
    } else {
      cool_w_ = 0;
    }
    power_cap_w_ = cap;
    return before != cap;
  }

  ResourceManagerSettings settings_;
  std::vector<ManagedProcessor> processors_;
  std::vector<State> states_;
  std::vector<ClockOrder> clocks_;
  std::map<int, App> apps_;
  std::vector<ProcessorOffer> offers_;
  PowerEstimate power_;
  double divided_ms_ = 0, counted_ms_ = 0, cool_w_ = 0;
  double power_cap_w_ = std::numeric_limits<double>::infinity();
};

}  // namespace

std::unique_ptr<SystemPolicy> make_resource_manager(std::vector<ManagedProcessor> processors,
                                                    const ResourceManagerSettings& settings) {
  return std::make_unique<ResourceManager>(std::move(processors), settings);
}

}  // namespace limber
