// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "base/error.h"
#include "manager/baselines.h"

namespace limber {
namespace {

constexpr double kProbability = 0.99;

// The published filter, with its constants.
class GlobalSlowdown {
 public:
  void observe(double ratio) {
    const double innovation = ratio - mean_;
    noise_ = std::max(kLeastNoise, kForget * noise_ + (1 - kForget) * (gain_ * innovation) * (gain_ * innovation));
    const double predicted = (1 - gain_) * variance_ + noise_;
    gain_ = predicted / (predicted + kMeasurement);
    mean_ = std::max(0.1, mean_ + gain_ * innovation);
    variance_ = predicted;
  }
  // That work profiled at `ms` is done in time.
  double probability(double ms, double left_ms) const {
    return 0.5 * std::erfc((mean_ - left_ms / ms) / std::sqrt(2 * variance_));
  }
  double mean() const { return mean_; }

 private:
  static constexpr double kLeastNoise = 0.1, kForget = 0.3, kMeasurement = 0.001;
  double mean_ = 1, variance_ = 0.1, noise_ = 0.1, gain_ = 0.5;
};

class Alert : public SystemPolicy {
 public:
  Alert(std::vector<ManagedProcessor> processors, int threads)
      : processors_(std::move(processors)), threads_(threads), clocks_(processors_.size()) {}
  const std::vector<ClockOrder>& clocks() const override { return clocks_; }
  void look(const SystemView&) override {}

  void add(int id, const ManagedApplication& application, double) override {
    App app;
    app.tables = application;
    double fastest = std::numeric_limits<double>::infinity();
    for (const ManagedOption& option : application.options) {
      if (!processors_.at(option.processor).cpu || option.cores != threads_on(option.processor)) continue;
      if (option.member != static_cast<int>(application.members.size()) - 1 || option.ms.back() >= fastest) continue;
      fastest = option.ms.back();
      app.processor = option.processor;
    }
    if (!std::isfinite(fastest))
      fail(ErrorCode::kInvalidArgument, "alert: application '{}' has no times on a CPU with {} threads",
           application.name, threads_);
    apps_[id] = std::move(app);
  }
  void remove(int id, double) override { apps_.erase(id); }
  void retarget(int id, const Target& target, double) override { apps_.at(id).tables.target = target; }

  FrameOrder frame_begins(int id, const FrameStart& start) override {
    App& app = apps_.at(id);
    const Target& target = app.tables.target;
    const double left_ms = start.deadline_ms - start.now_ms;
    const double period_ms = target.rate_hz > 0 ? std::max(left_ms, 1e3 / target.rate_hz) : left_ms;
    // Of least energy; where nothing will do, what is likeliest to.
    const ManagedOption* best = nullptr;
    std::size_t best_point = 0;
    double least = std::numeric_limits<double>::infinity(), likeliest = -1;
    bool any = false;
    for (const ManagedOption& option : app.tables.options) {
      if (option.processor != app.processor || option.cores != threads_on(app.processor)) continue;
      const double accuracy = app.tables.members[static_cast<std::size_t>(option.member)].accuracy;
      for (std::size_t point = 0; point < option.ms.size(); ++point) {
        const double probability = app.slowdown.probability(option.ms[point], left_ms);
        const bool good = probability >= kProbability && accuracy >= target.accuracy - 1e-9;
        if (good) {
          const double ms = app.slowdown.mean() * option.ms[point], idle_w = processors_[app.processor].idle_w[point];
          const double energy = ms * option.busy_w[point] + std::max(ms, period_ms) * idle_w;
          if (any && energy >= least) continue;
          least = energy;
        } else if (any || probability <= likeliest) {
          continue;
        } else {
          likeliest = probability;
        }
        any = any || good;
        best = &option;
        best_point = point;
      }
    }
    app.begun_ms = start.now_ms;
    app.profiled_ms = best->ms[best_point];
    clocks_[app.processor] = {ClockOrder::Kind::kFixed, "", best_point};
    FrameOrder order;
    order.member = best->member;
    order.processor = app.processor;
    order.threads = threads_on(app.processor);
    return order;
  }
  void frame_ends(int id, const FrameEnd& end) override {
    App& app = apps_.at(id);
    if (end.finished) app.slowdown.observe((end.now_ms - app.begun_ms) / app.profiled_ms);
  }

 private:
  int threads_on(std::size_t processor) const { return std::min(threads_, processors_[processor].cores); }

  struct App {
    ManagedApplication tables;
    GlobalSlowdown slowdown;
    std::size_t processor = 0;
    double begun_ms = 0, profiled_ms = 1;
  };
  std::vector<ManagedProcessor> processors_;
  int threads_;
  std::vector<ClockOrder> clocks_;
  std::map<int, App> apps_;
};

}  // namespace

std::unique_ptr<SystemPolicy> make_alert(std::vector<ManagedProcessor> processors, int threads) {
  return std::make_unique<Alert>(std::move(processors), threads);
}

}  // namespace limber
