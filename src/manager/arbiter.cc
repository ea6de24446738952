// SPDX-License-Identifier: Apache-2.0
#include "manager/arbiter.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace limber {
namespace {

constexpr std::size_t kAllCombinations = 20'000;  // of operating points
constexpr std::size_t kAllOptions = 4096;         // of options, at points where they get in each other's way

// Small first, then of little power.
struct Cost {
  double unmet = 0, power_w = 0;
  bool operator<(const Cost& other) const {
    return unmet != other.unmet ? unmet < other.unmet : power_w < other.power_w;
  }
};

// Too late, or not accurate enough; a little late is better than very late.
double unmet_of(const ArbiterApplication& application, const ArbiterOption& option, std::size_t point) {
  double unmet = 0;
  const double late = option.ms[point] / application.deadline_ms - 1;
  if (late > 0) unmet += application.weight * (1 + std::min(late, 10.0));
  if (option.accuracy < application.floor - 1e-9)
    unmet += application.weight * (0.5 + application.floor - option.accuracy);
  return unmet;
}

double power_of(const ArbiterApplication& application, const ArbiterOption& option, std::size_t point) {
  return application.rate_hz * 1e-3 * option.mean_ms[point] * option.busy_w[point] + option.change_w;
}

double core_time(const ArbiterApplication& application, const ArbiterOption& option, std::size_t point) {
  return application.rate_hz * 1e-3 * option.mean_ms[point] * option.cores;
}

double total_weight(const ArbiterProblem& problem) {
  double sum = 0;
  for (const ArbiterApplication& application : problem.applications) sum += application.weight;
  return sum;
}

void check(const ArbiterProblem& problem) {
  for (const ArbiterProcessor& processor : problem.processors) {
    if (processor.idle_w.empty() || processor.lowest >= processor.idle_w.size() || processor.cores < 1)
      fail(ErrorCode::kInvalidArgument, "arbiter: a processor without cores or legal operating points");
  }
  for (const ArbiterApplication& application : problem.applications) {
    if (application.options.empty()) fail(ErrorCode::kInvalidArgument, "arbiter: an application without options");
    if (!(application.deadline_ms > 0 && application.rate_hz >= 0))
      fail(ErrorCode::kInvalidArgument, "arbiter: deadline {} ms, rate {} per second; legal: above 0, 0 and more",
           application.deadline_ms, application.rate_hz);
    for (const ArbiterOption& option : application.options) {
      const std::size_t points =
          option.processor < problem.processors.size() ? problem.processors[option.processor].idle_w.size() : 0;
      if (points == 0 || option.ms.size() != points || option.mean_ms.size() != points ||
          option.busy_w.size() != points)
        fail(ErrorCode::kInvalidArgument, "arbiter: an option's tables do not have its processor's {} points", points);
    }
  }
}

class Search {
 public:
  explicit Search(const ArbiterProblem& problem) : problem_(problem) {
    for (const ArbiterProcessor& processor : problem.processors)
      highest_.push_back(std::min(processor.highest, processor.idle_w.size() - 1));
    find_best();
  }

  ArbiterDecision run() {
    std::size_t combinations = 1;
    for (std::size_t p = 0; p < highest_.size(); ++p) {
      combinations *= highest_[p] - std::min(problem_.processors[p].lowest, highest_[p]) + 1;
      if (combinations > kAllCombinations) break;
    }
    combinations <= kAllCombinations ? try_all() : climb();
    return best_;
  }

 private:
  // For each application, processor and point: its best option there, alone.
  void find_best() {
    const std::size_t processors = problem_.processors.size();
    alone_.resize(problem_.applications.size() * processors);
    for (std::size_t a = 0; a < problem_.applications.size(); ++a) {
      const ArbiterApplication& application = problem_.applications[a];
      for (std::size_t o = 0; o < application.options.size(); ++o) {
        const ArbiterOption& option = application.options[o];
        std::vector<Alone>& list = alone_[a * processors + option.processor];
        list.resize(problem_.processors[option.processor].idle_w.size());
        for (std::size_t point = 0; point < list.size(); ++point) {
          const Cost cost{unmet_of(application, option, point), power_of(application, option, point)};
          if (!list[point].any || cost < list[point].cost)
            list[point] = {true, o, cost, core_time(application, option, point)};
        }
      }
    }
  }

  void try_all() {
    std::vector<std::size_t> points;
    for (std::size_t p = 0; p < highest_.size(); ++p)
      points.push_back(std::min(problem_.processors[p].lowest, highest_[p]));
    const std::vector<std::size_t> first = points;
    for (;;) {
      consider(points);
      std::size_t p = 0;
      while (p < points.size() && points[p] == highest_[p]) {
        points[p] = first[p];
        ++p;
      }
      if (p == points.size()) return;
      ++points[p];
    }
  }

  // From the highest points and from the lowest: one processor after the other to its best, until nothing changes.
  void climb() {
    for (const bool from_top : {true, false}) {
      std::vector<std::size_t> points;
      for (std::size_t p = 0; p < highest_.size(); ++p)
        points.push_back(from_top ? highest_[p] : std::min(problem_.processors[p].lowest, highest_[p]));
      consider(points);
      for (bool better = true; better;) {
        better = false;
        for (std::size_t p = 0; p < points.size(); ++p) {
          for (std::size_t point = std::min(problem_.processors[p].lowest, highest_[p]); point <= highest_[p];
               ++point) {
            std::vector<std::size_t> other = have_ ? best_.points : points;
            if (other[p] == point) continue;
            other[p] = point;
            better = consider(other) || better;
          }
        }
      }
    }
  }

  // The best options at these points; true if that is the best so far.
  bool consider(const std::vector<std::size_t>& points) {
    const std::size_t processors = problem_.processors.size();
    Cost bound;
    for (std::size_t p = 0; p < processors; ++p) bound.power_w += problem_.processors[p].idle_w[points[p]];
    chosen_.clear();
    used_.assign(processors, 0);
    for (std::size_t a = 0; a < problem_.applications.size(); ++a) {
      const Alone* best = nullptr;
      std::size_t where = 0;
      for (std::size_t p = 0; p < processors; ++p) {
        const std::vector<Alone>& list = alone_[a * processors + p];
        if (list.empty()) continue;
        if (best == nullptr || list[points[p]].cost < best->cost) {
          best = &list[points[p]];
          where = p;
        }
      }
      bound.unmet += best->cost.unmet;
      bound.power_w += best->cost.power_w;
      chosen_.push_back(best->option);
      used_[where] += best->core_time;
    }
    if (have_ && !(bound < Cost{best_.unmet, best_.power_w})) return false;
    bool full = false;
    for (std::size_t p = 0; p < processors; ++p) full = full || used_[p] > problem_.full * problem_.processors[p].cores;
    ArbiterDecision decision = judge(problem_, points, chosen_);
    if (full || decision.unmet > bound.unmet) fit(&decision);  // too full, or above the cap
    if (have_ && !(Cost{decision.unmet, decision.power_w} < Cost{best_.unmet, best_.power_w})) return false;
    best_ = std::move(decision);
    have_ = true;
    return true;
  }

  // Where the options that are best alone do not fit together: all of them, or what single changes find.
  void fit(ArbiterDecision* decision) const {
    std::size_t combinations = 1;
    for (const ArbiterApplication& application : problem_.applications) {
      combinations *= application.options.size();
      if (combinations > kAllOptions) return improve(decision);
    }
    std::vector<std::size_t> options(problem_.applications.size(), 0);
    for (std::size_t i = 0; i < combinations; ++i) {
      ArbiterDecision other = judge(problem_, decision->points, options);
      if (Cost{other.unmet, other.power_w} < Cost{decision->unmet, decision->power_w}) *decision = std::move(other);
      for (std::size_t a = 0; a < options.size() && ++options[a] == problem_.applications[a].options.size(); ++a)
        options[a] = 0;
    }
  }

  // Single changes of one application's option, the best first, as long as one helps.
  void improve(ArbiterDecision* decision) const {
    for (bool better = true; better;) {
      better = false;
      ArbiterDecision best = *decision;
      for (std::size_t a = 0; a < problem_.applications.size(); ++a) {
        for (std::size_t o = 0; o < problem_.applications[a].options.size(); ++o) {
          if (o == decision->options[a]) continue;
          std::vector<std::size_t> options = decision->options;
          options[a] = o;
          ArbiterDecision other = judge(problem_, decision->points, std::move(options));
          if (Cost{other.unmet, other.power_w} < Cost{best.unmet, best.power_w}) {
            best = std::move(other);
            better = true;
          }
        }
      }
      *decision = std::move(best);
    }
  }

  struct Alone {
    bool any = false;
    std::size_t option = 0;
    Cost cost;
    double core_time = 0;
  };
  const ArbiterProblem& problem_;
  std::vector<std::size_t> highest_;
  std::vector<std::vector<Alone>> alone_;  // [application * processors + processor][point]
  std::vector<std::size_t> chosen_;
  std::vector<double> used_;
  ArbiterDecision best_;
  bool have_ = false;
};

}  // namespace

ArbiterDecision judge(const ArbiterProblem& problem, std::vector<std::size_t> points,
                      std::vector<std::size_t> options) {
  ArbiterDecision result;
  std::vector<double> used(problem.processors.size(), 0);
  for (std::size_t p = 0; p < problem.processors.size(); ++p) result.power_w += problem.processors[p].idle_w[points[p]];
  for (std::size_t a = 0; a < problem.applications.size(); ++a) {
    const ArbiterApplication& application = problem.applications[a];
    const ArbiterOption& option = application.options[options[a]];
    const std::size_t point = points[option.processor];
    result.unmet += unmet_of(application, option, point);
    result.power_w += power_of(application, option, point);
    used[option.processor] += core_time(application, option, point);
  }
  const double all = total_weight(problem);
  for (std::size_t p = 0; p < problem.processors.size(); ++p) {
    const double over = used[p] / (problem.full * problem.processors[p].cores) - 1;
    if (over > 1e-12) result.unmet += all * (1 + std::min(over, 10.0));
  }
  const double over = result.power_w / problem.power_cap_w - 1;
  if (over > 1e-12) result.unmet += all * (1 + std::min(over, 10.0));
  result.points = std::move(points);
  result.options = std::move(options);
  return result;
}

ArbiterDecision decide(const ArbiterProblem& problem) {
  check(problem);
  return Search(problem).run();
}

}  // namespace limber
