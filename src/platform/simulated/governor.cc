// SPDX-License-Identifier: Apache-2.0
#include "platform/simulated/governor.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "base/error.h"

namespace limber {
namespace {

struct Performance : Governor {
  std::size_t choose(const GovernorView& view) override { return view.highest; }
};

struct Powersave : Governor {
  std::size_t choose(const GovernorView& view) override { return view.lowest; }
};

struct Userspace : Governor {
  std::size_t choose(const GovernorView& view) override { return view.processor->at_least(view.requested_khz); }
};

// kernel/sched/cpufreq_schedutil.c: 1.25 * f_max * util / capacity, the lowest point that is no less.
class Schedutil : public Governor {
 public:
  explicit Schedutil(const GovernorSettings& settings) : settings_(settings) {}
  double rate_limit_ms() const override { return settings_.rate_limit_ms; }
  std::size_t choose(const GovernorView& view) override {
    const auto clamp = [&](double util) { return std::max(view.clamp_min, std::min(util, view.clamp_max)); };
    const double wanted = settings_.clamp_last ? clamp(1.25 * view.util) : 1.25 * clamp(view.util);
    const auto highest = static_cast<double>(view.processor->highest().khz);
    return view.processor->at_least(highest * wanted / view.processor->capacity);
  }

 private:
  GovernorSettings settings_;
};

// drivers/cpufreq/cpufreq_ondemand.c
class Ondemand : public Governor {
 public:
  explicit Ondemand(const GovernorSettings& settings) : settings_(settings) {}
  double period_ms() const override { return settings_.sampling_ms; }
  std::size_t choose(const GovernorView& view) override {
    if (100 * view.busy > settings_.up_threshold) return view.highest;
    const auto least = static_cast<double>(view.processor->opps.front().khz);
    const auto most = static_cast<double>(view.processor->highest().khz);
    return view.processor->at_least(least + view.busy * (most - least));
  }

 private:
  GovernorSettings settings_;
};

// drivers/devfreq/governor_simpleondemand.c with its defaults, 90 % and 5 % below.
class SimpleOndemand : public Governor {
 public:
  explicit SimpleOndemand(const GovernorSettings& settings) : settings_(settings) {}
  double period_ms() const override { return settings_.polling_ms; }
  std::size_t choose(const GovernorView& view) override {
    if (view.busy > 0.90) return view.highest;
    if (view.busy > 0.85) return view.current;
    const auto now = static_cast<double>(view.processor->opps[view.current].khz);
    return view.processor->at_least(view.busy * now * 100 / 88);  // 90 - 5 / 2, in integers
  }

 private:
  GovernorSettings settings_;
};

}  // namespace

std::vector<std::string> governor_names() {
  return {"performance", "powersave", "userspace", "schedutil", "ondemand", "simple_ondemand"};
}

std::unique_ptr<Governor> make_governor(const std::string& name, const GovernorSettings& settings) {
  if (name == "performance") return std::make_unique<Performance>();
  if (name == "powersave") return std::make_unique<Powersave>();
  if (name == "userspace") return std::make_unique<Userspace>();
  if (name == "schedutil") return std::make_unique<Schedutil>(settings);
  if (name == "ondemand") return std::make_unique<Ondemand>(settings);
  if (name == "simple_ondemand") return std::make_unique<SimpleOndemand>(settings);
  fail(ErrorCode::kInvalidArgument, "governor '{}' is unknown; legal: {}", name, fmt::join(governor_names(), ", "));
}

}  // namespace limber
