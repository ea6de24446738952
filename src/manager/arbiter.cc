// SPDX-License-Identifier: Apache-2.0
#include "manager/arbiter.h"

#include "base/error.h"
#include "manager/arbiter_search.h"

namespace limber {
namespace {

void check(const ArbiterProblem& problem) {
  if (problem.processors.empty()) fail(ErrorCode::kInvalidArgument, "arbiter: no processors");
  for (const ArbiterProcessor& processor : problem.processors) {
    if (processor.idle_w.empty() || processor.lowest >= processor.idle_w.size() || processor.cores < 1)
      fail(ErrorCode::kInvalidArgument, "arbiter: a processor without cores or legal operating points");
  }
  for (const ArbiterApplication& application : problem.applications) {
    if (application.options.empty()) fail(ErrorCode::kInvalidArgument, "arbiter: an application without options");
    if (!(application.deadline_ms > 0 && application.rate_hz >= 0 && application.weight >= 0))
      fail(ErrorCode::kInvalidArgument,
           "arbiter: deadline {} ms, rate {} per second, weight {}; legal: above 0, 0 and more, 0 and more",
           application.deadline_ms, application.rate_hz, application.weight);
    for (const ArbiterOption& option : application.options) {
      const std::size_t points =
          option.processor < problem.processors.size() ? problem.processors[option.processor].idle_w.size() : 0;
      if (points == 0 || option.ms.size() != points || option.mean_ms.size() != points ||
          option.busy_w.size() != points)
        fail(ErrorCode::kInvalidArgument, "arbiter: an option's tables do not have its processor's {} points", points);
    }
  }
}

std::size_t highest(const ArbiterProcessor& processor) {
  return std::min(processor.highest, processor.idle_w.size() - 1);
}

// Every processor where it takes least without applications.
std::vector<std::size_t> resting_points(const ArbiterProblem& problem, const ArbiterArithmetic& arithmetic) {
  std::vector<std::size_t> points;
  for (std::size_t p = 0; p < problem.processors.size(); ++p) {
    const std::size_t top = highest(problem.processors[p]);
    points.push_back(std::min(problem.processors[p].lowest, top));
    for (std::size_t point = points[p]; point <= top; ++point) {
      if (arithmetic.base(p, point) < arithmetic.base(p, points[p])) points[p] = point;
    }
  }
  return points;
}

// One application: every option at every point, the other processors at rest.
ArbiterDecision decide_one(const ArbiterProblem& problem) {
  const ArbiterArithmetic arithmetic(problem);
  const ArbiterApplication& application = problem.applications[0];
  std::vector<std::size_t> points = resting_points(problem, arithmetic);
  int64_t rest = 0;
  for (std::size_t p = 0; p < points.size(); ++p) rest += arithmetic.base(p, points[p]);
  ArbiterCost best = ArbiterLeast().cost;
  std::size_t best_option = 0, best_processor = 0, best_point = points[0];
  for (std::size_t o = 0; o < application.options.size(); ++o) {
    const ArbiterOption& option = application.options[o];
    const std::size_t p = option.processor;
    const ArbiterProcessor& processor = problem.processors[p];
    if (!processor.available) continue;
    const std::size_t top = highest(processor);
    for (std::size_t point = std::min(processor.lowest, top); point <= top; ++point) {
      ArbiterCost cost = arithmetic.cost(application, option, point);
      cost.power += rest - arithmetic.base(p, points[p]) + arithmetic.base(p, point);
      cost.unmet += ArbiterArithmetic::excess(arithmetic.share(application, option, point));
      cost.unmet += arithmetic.above_cap(cost.power);
      if (!(cost < best)) continue;
      best = cost;
      best_option = o;
      best_processor = p;
      best_point = point;
    }
  }
  if (best < ArbiterLeast().cost) points[best_processor] = best_point;
  return judge(problem, std::move(points), {best_option});
}

}  // namespace

ArbiterDecision judge(const ArbiterProblem& problem, std::vector<std::size_t> points,
                      std::vector<std::size_t> options) {
  const ArbiterArithmetic arithmetic(problem);
  ArbiterCost sum;
  std::vector<int64_t> used(points.size(), 0);
  for (std::size_t p = 0; p < points.size(); ++p) sum.power += arithmetic.base(p, points[p]);
  for (std::size_t a = 0; a < options.size(); ++a) {
    const ArbiterApplication& application = problem.applications[a];
    const ArbiterOption& option = application.options[options[a]];
    if (!problem.processors[option.processor].available) {
      sum.unmet += ArbiterArithmetic::kNowhere;
      continue;
    }
    const std::size_t point = points[option.processor];
    sum += arithmetic.cost(application, option, point);
    used[option.processor] += arithmetic.share(application, option, point);
  }
  for (const int64_t one : used) sum.unmet += ArbiterArithmetic::excess(one);
  sum.unmet += arithmetic.above_cap(sum.power);
  return {std::move(points), std::move(options), arithmetic.weights(sum.unmet), arithmetic.weights(sum.loss),
          1e-9 * static_cast<double>(sum.power)};
}

ArbiterDecision decide(const ArbiterProblem& problem) {
  check(problem);
  if (problem.applications.size() == 1) return decide_one(problem);
  const ArbiterTables tables(problem);
  ArbiterSearch::Result found = ArbiterSearch(tables).run();
  std::vector<std::size_t> options(problem.applications.size(), 0);  // 0 where there is no processor for any
  for (std::size_t a = 0; a < found.choices.size(); ++a) options[tables.served()[a]] = found.choices[a]->option;
  return judge(problem, std::move(found.points), std::move(options));
}

}  // namespace limber
