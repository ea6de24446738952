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

// The cost of a choice of options, kept up to date while one after the other changes.
class Tally {
 public:
  Tally(const ArbiterProblem& problem, const std::vector<std::size_t>& points, const std::vector<std::size_t>& chosen)
      : options(chosen), problem_(problem), points_(points), used_(problem.processors.size(), 0) {
    weight_ = total_weight(problem);
    for (std::size_t p = 0; p < points.size(); ++p) power_w_ += problem.processors[p].idle_w[points[p]];
    for (std::size_t a = 0; a < chosen.size(); ++a) add(a, 1);
  }

  void change(std::size_t application, std::size_t option) {
    add(application, -1);
    options[application] = option;
    add(application, 1);
  }

  Cost cost() const {
    double unmet = unmet_;
    for (std::size_t p = 0; p < used_.size(); ++p)
      unmet += excess(used_[p] / (problem_.full * problem_.processors[p].cores));
    // Rounded, so that what was added and taken away again leaves no trace.
    return {std::round(1e9 * (unmet + excess(power_w_ / problem_.power_cap_w))) * 1e-9,
            std::round(1e9 * power_w_) * 1e-9};
  }

  std::vector<std::size_t> options;

 private:
  double excess(double share) const { return share - 1 > 1e-12 ? weight_ * (1 + std::min(share - 1, 10.0)) : 0; }
  void add(std::size_t a, double sign) {
    const ArbiterApplication& application = problem_.applications[a];
    const ArbiterOption& option = application.options[options[a]];
    const std::size_t point = points_[option.processor];
    unmet_ += sign * unmet_of(application, option, point);
    power_w_ += sign * power_of(application, option, point);
    used_[option.processor] += sign * core_time(application, option, point);
  }

  const ArbiterProblem& problem_;
  const std::vector<std::size_t>& points_;
  std::vector<double> used_;
  double unmet_ = 0, power_w_ = 0, weight_ = 0;
};

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
      combinations *= highest_[p] - lowest(p) + 1;
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

  // Combinations in the order of what they cost at least, until that is more than the best found.
  void try_all() {
    std::vector<std::size_t> points;
    for (std::size_t p = 0; p < highest_.size(); ++p) points.push_back(lowest(p));
    std::vector<std::pair<Cost, uint32_t>> queue;
    for (bool more = true; more;) {
      queue.emplace_back(bound(points), static_cast<uint32_t>(queue.size()));
      more = false;
      for (std::size_t p = 0; p < points.size() && !more; ++p) {
        more = points[p] < highest_[p];
        points[p] = more ? points[p] + 1 : lowest(p);
      }
    }
    const auto later = [](const auto& x, const auto& y) { return y.first < x.first; };
    std::make_heap(queue.begin(), queue.end(), later);
    while (!queue.empty() && !(have_ && !(queue.front().first < Cost{best_.unmet, best_.power_w}))) {
      uint32_t rest = queue.front().second;
      for (std::size_t p = 0; p < points.size(); ++p) {
        const auto count = static_cast<uint32_t>(highest_[p] - lowest(p) + 1);
        points[p] = lowest(p) + rest % count;
        rest /= count;
      }
      consider(points);
      std::pop_heap(queue.begin(), queue.end(), later);
      queue.pop_back();
    }
  }

  std::size_t lowest(std::size_t p) const { return std::min(problem_.processors[p].lowest, highest_[p]); }

  // From the highest points and from the lowest: one processor after the other to its best, until nothing changes.
  void climb() {
    for (const bool from_top : {true, false}) {
      std::vector<std::size_t> points;
      for (std::size_t p = 0; p < highest_.size(); ++p) points.push_back(from_top ? highest_[p] : lowest(p));
      consider(points);
      for (bool better = true; better;) {
        better = false;
        for (std::size_t p = 0; p < points.size(); ++p) {
          for (std::size_t point = lowest(p); point <= highest_[p]; ++point) {
            std::vector<std::size_t> other = have_ ? best_.points : points;
            if (other[p] == point) continue;
            other[p] = point;
            better = consider(other) || better;
          }
        }
      }
    }
  }

  // What these points cost at least: every application its best option, as if it were alone. These are left in chosen_,
  // the core time that they take in used_.
  Cost bound(const std::vector<std::size_t>& points) {
    const std::size_t processors = problem_.processors.size();
    Cost sum;
    for (std::size_t p = 0; p < processors; ++p) sum.power_w += problem_.processors[p].idle_w[points[p]];
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
      sum.unmet += best->cost.unmet;
      sum.power_w += best->cost.power_w;
      chosen_.push_back(best->option);
      used_[where] += best->core_time;
    }
    return sum;
  }

  // The best options at these points; true if that is the best so far.
  bool consider(const std::vector<std::size_t>& points) {
    const Cost least = bound(points);
    if (have_ && !(least < Cost{best_.unmet, best_.power_w})) return false;
    ArbiterDecision decision = judge(problem_, points, chosen_);
    if (decision.unmet > least.unmet) fit(&decision);  // together they are too much for a processor, or above the cap
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
    Tally tally(problem_, decision->points, decision->options);
    Cost now = tally.cost();
    for (;;) {
      Cost best = now;
      std::size_t best_application = 0, best_option = 0;
      for (std::size_t a = 0; a < problem_.applications.size(); ++a) {
        const std::size_t before = tally.options[a];
        for (std::size_t o = 0; o < problem_.applications[a].options.size(); ++o) {
          if (o == before) continue;
          tally.change(a, o);
          const Cost cost = tally.cost();
          if (cost < best) {
            best = cost;
            best_application = a;
            best_option = o;
          }
        }
        tally.change(a, before);
      }
      if (!(best < now)) break;
      tally.change(best_application, best_option);
      now = best;
    }
    *decision = judge(problem_, decision->points, tally.options);
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
  const Cost cost = Tally(problem, points, options).cost();
  return {std::move(points), std::move(options), cost.unmet, cost.power_w};
}

ArbiterDecision decide(const ArbiterProblem& problem) {
  check(problem);
  return Search(problem).run();
}

}  // namespace limber
