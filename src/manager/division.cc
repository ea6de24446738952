// SPDX-License-Identifier: Apache-2.0
#include "manager/division.h"

#include <algorithm>
#include <numeric>

#include "base/error.h"
#include "manager/arbiter.h"

namespace limber {
namespace {

constexpr double kDeviations = 1.64;
constexpr double kChangeShare = 0.03;  // of the device's planned power: what a change must save
// To move costs caches, and others' load comes and goes: so much of a core's time must be gained by it.
constexpr double kStay = 0.25;

ArbiterOption plan_option(const DividedApplication& application, std::size_t o, const ManagedProcessor& processor,
                          double busy_scale) {
  const std::size_t points = processor.khz.size();
  const bool cpu = processor.cpu;
  const ManagedOption& option = application.tables->options[o];
  const double factor = application.estimate->factor(o);
  const double careful = factor * (1 + kDeviations * application.estimate->deviation(o));
  // What takes longer than the table says is work on a CPU; on a GPU it is waiting for launches.
  const double work_share = cpu || factor <= 1 ? 1 : 1 / factor;
  ArbiterOption planned;
  planned.member = option.member;
  planned.processor = option.processor;
  planned.cores = option.cores;
  planned.accuracy = application.tables->members[static_cast<std::size_t>(option.member)].accuracy;
  planned.ms.reserve(points);
  for (std::size_t i = 0; i < points; ++i) {
    planned.ms.push_back(option.ms[i] * careful);
    planned.mean_ms.push_back(option.ms[i] * factor);
    planned.busy_w.push_back(option.busy_w[i] * busy_scale * work_share);
  }
  return planned;
}

ArbiterProblem plan(const std::vector<DividedProcessor>& processors,
                    const std::vector<DividedApplication>& applications, double power_cap_w, double busy_scale) {
  ArbiterProblem problem;
  problem.power_cap_w = power_cap_w;
  for (const DividedProcessor& processor : processors) {
    ArbiterProcessor planned;
    planned.cores = processor.tables->cores;
    planned.idle_w = processor.tables->idle_w;
    planned.highest = processor.highest;
    planned.available = processor.available;
    if (processor.parks) planned.parked_w = processor.tables->idle_w.front();
    problem.processors.push_back(std::move(planned));
  }
  for (const DividedApplication& application : applications) {
    const Target& target = application.tables->target;
    ArbiterApplication planned;
    planned.rate_hz = target.rate_hz;
    planned.deadline_ms = target.deadline_ms;
    planned.weight = target.weight;
    planned.floor = target.accuracy;
    planned.prefer_accuracy = target.prefer_accuracy;
    planned.energy_mj = target.energy_mj;
    for (std::size_t o = 0; o < application.tables->options.size(); ++o)
      planned.options.push_back(
          plan_option(application, o, *processors[application.tables->options[o].processor].tables, busy_scale));
    problem.applications.push_back(std::move(planned));
  }
  return problem;
}

// What is there already costs less than what is not: no change for nothing.
void add_change_costs(const std::vector<DividedApplication>& applications, double power_w, ArbiterProblem* problem) {
  for (std::size_t a = 0; a < applications.size(); ++a) {
    if (applications[a].share->processor == kAnyProcessor) continue;
    for (std::size_t o = 0; o < problem->applications[a].options.size(); ++o) {
      if (o != applications[a].share->option) problem->applications[a].options[o].change_w = kChangeShare * power_w;
    }
  }
}

bool has(const ApplicationShare& share, std::size_t processor, int core) {
  return share.processor == processor && std::find(share.cores.begin(), share.cores.end(), core) != share.cores.end();
}

std::vector<std::size_t> by_weight(const std::vector<DividedApplication>& applications) {
  std::vector<std::size_t> order(applications.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t x, std::size_t y) {
    return applications[x].tables->target.weight > applications[y].tables->target.weight;
  });
  return order;
}

template <typename Load>
std::vector<int> least_loaded(std::size_t count, std::size_t of, Load load) {
  std::vector<int> cores(of);
  std::iota(cores.begin(), cores.end(), 0);
  std::stable_sort(cores.begin(), cores.end(), [&](int x, int y) { return load(x) < load(y); });
  cores.resize(count);
  std::sort(cores.begin(), cores.end());
  return cores;
}

}  // namespace

double divide_processors(const std::vector<DividedProcessor>& processors,
                         const std::vector<DividedApplication>& applications, double power_cap_w, double busy_scale) {
  if (applications.empty()) return 0;
  ArbiterProblem problem = plan(processors, applications, power_cap_w, busy_scale);
  const bool any_before = std::any_of(applications.begin(), applications.end(),
                                      [](const auto& a) { return a.share->processor != kAnyProcessor; });
  ArbiterDecision decision = decide(problem);
  if (any_before) {
    add_change_costs(applications, decision.power_w, &problem);
    decision = decide(problem);
  }

  // Cores: the heavier the application, the earlier it is asked; first those that nobody has.
  std::vector<std::vector<int>> taken;
  for (const DividedProcessor& processor : processors)
    taken.emplace_back(static_cast<std::size_t>(processor.tables->cores), 0);
  std::vector<ApplicationShare> before;
  for (const DividedApplication& application : applications) before.push_back(*application.share);
  const auto weight = [&](std::size_t a) { return applications[a].tables->target.weight; };
  const std::vector<std::size_t> order = by_weight(applications);
  for (const std::size_t a : order) {
    ApplicationShare& share = *applications[a].share;
    const ManagedOption& option = applications[a].tables->options[decision.options[a]];
    const DividedProcessor& processor = processors[option.processor];
    std::vector<int>& counts = taken[option.processor];
    // Who only swapped cores with another of the same weight would gain nothing for both.
    const auto place = [&](int c) {
      if (has(before[a], option.processor, c)) return -kStay;
      double others = 0;
      for (std::size_t b = 0; b < applications.size(); ++b)
        if (b != a && weight(b) >= weight(a) && has(before[b], option.processor, c)) others = 1;
      return others;
    };
    share.cores = least_loaded(static_cast<std::size_t>(option.cores), counts.size(), [&](int c) {
      const auto i = static_cast<std::size_t>(c);
      return counts[i] + (i < processor.others.size() ? processor.others[i] : 0) + place(c);
    });
    for (const int c : share.cores) ++counts[static_cast<std::size_t>(c)];
    share.processor = option.processor;
    share.option = decision.options[a];
    share.points = decision.points;
    share.met = decision.unmet == 0;
    const double accuracy = problem.applications[a].options[decision.options[a]].accuracy;
    share.floor =
        accuracy >= applications[a].tables->target.accuracy - 1e-9 ? std::numeric_limits<double>::infinity() : accuracy;
  }
  for (const std::size_t a : order) {
    ApplicationShare& share = *applications[a].share;
    share.exclusive = std::all_of(share.cores.begin(), share.cores.end(),
                                  [&](int c) { return taken[share.processor][static_cast<std::size_t>(c)] == 1; });
  }
  return decision.power_w;
}

void check_application(const ManagedApplication& application, const std::vector<ManagedProcessor>& processors) {
  if (application.members.empty() || application.options.empty())
    fail(ErrorCode::kInvalidArgument, "application '{}': no members, or no options", application.name);
  const Target& target = application.target;
  if (!(target.deadline_ms > 0 && target.rate_hz >= 0 && target.aim > 0 && target.aim <= 1 && target.weight > 0 &&
        target.confidence >= 0 && target.confidence <= 1))
    fail(
        ErrorCode::kInvalidArgument,
        "application '{}': deadline {} ms, {} frames a second, aim {}, weight {}, confidence {}; legal: above 0, 0 and "
        "more, above 0 up to 1, above 0, 0 to 1",
        application.name, target.deadline_ms, target.rate_hz, target.aim, target.weight, target.confidence);
  for (const ManagedOption& option : application.options) {
    const bool known = option.processor < processors.size() && option.member >= 0 &&
                       static_cast<std::size_t>(option.member) < application.members.size();
    if (!known || option.cores < 1 || option.cores > processors[option.processor].cores ||
        option.ms.size() != processors[option.processor].khz.size() || option.busy_w.size() != option.ms.size())
      fail(ErrorCode::kInvalidArgument,
           "application '{}': an option of member {} on {} cores of processor {} does not fit what is there",
           application.name, option.member, option.cores, option.processor);
    if (!std::all_of(option.ms.begin(), option.ms.end(), [](double ms) { return ms > 0; }))
      fail(ErrorCode::kInvalidArgument, "application '{}': times that are not above 0", application.name);
  }
}

}  // namespace limber
