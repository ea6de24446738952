// SPDX-License-Identifier: Apache-2.0
#include "manager/arbiter.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "base/error.h"

namespace limber {
namespace {


bool better(const ArbiterDecision& a, const ArbiterDecision& b) {
  return std::abs(a.unmet - b.unmet) > 1e-9 ? a.unmet < b.unmet : a.power_w < b.power_w;
}

ArbiterDecision exhaustive(const ArbiterProblem& problem) {
  ArbiterDecision best;
  bool have = false;
  std::vector<std::size_t> points(problem.processors.size(), 0);
  for (;;) {
    std::vector<std::size_t> options(problem.applications.size(), 0);
    for (;;) {
      const ArbiterDecision decision = judge(problem, points, options);
      if (!have || better(decision, best)) best = decision;
      have = true;
      std::size_t a = 0;
      while (a < options.size() && ++options[a] == problem.applications[a].options.size()) options[a++] = 0;
      if (a == options.size()) break;
    }
    std::size_t p = 0;
    while (p < points.size() && ++points[p] == problem.processors[p].idle_w.size()) points[p++] = 0;
    if (p == points.size()) return best;
  }
}

TEST(Arbiter, IsWithinTwoPercentOfExhaustiveSearch) {
  std::mt19937 random(1);
  double sum = 0;
  int unequal = 0;
  for (int i = 0; i < 1000; ++i) {
    const ArbiterProblem problem = random_problem(&random, 2, 3, 1 + i % 3, 2);
    const ArbiterDecision found = decide(problem), best = exhaustive(problem);
    ASSERT_GE(found.unmet, best.unmet - 1e-9);
    if (found.unmet > best.unmet + 1e-9) {
      ++unequal;
      continue;
    }
    EXPECT_LE(found.power_w, 1.02 * best.power_w) << i;
    sum += found.power_w / best.power_w - 1;
  }
  EXPECT_LE(sum / 1000, 0.002);
  EXPECT_EQ(unequal, 0) << "cases in which more could have been served";
}

TEST(Arbiter, KeepsThePowerCap) {
  std::mt19937 random(2);
  int capped = 0;
  for (int i = 0; i < 100; ++i) {
    ArbiterProblem problem = random_problem(&random, 2, 4, 2, 3);
    const ArbiterDecision free = decide(problem);
    problem.power_cap_w = 0.9 * free.power_w;
    const ArbiterDecision cut = decide(problem);
    if (cut.power_w <= problem.power_cap_w) ++capped;
    EXPECT_GE(cut.unmet, free.unmet);
  }
  EXPECT_GT(capped, 50) << "most can give up something";
}

TEST(Arbiter, WhatCannotBeMetIsServedAsWellAsItCan) {
  std::mt19937 random(3);
  ArbiterProblem problem = random_problem(&random, 1, 4, 1, 3);
  problem.applications[0].deadline_ms = 0.01;
  problem.applications[0].floor = 0;
  const ArbiterDecision decision = decide(problem);
  EXPECT_GT(decision.unmet, 0);
  EXPECT_EQ(problem.applications[0].options[decision.options[0]].member, 0) << "the smallest is the least late";
}

TEST(Arbiter, TablesMustFit) {
  std::mt19937 random(4);
  ArbiterProblem problem = random_problem(&random, 2, 4, 1, 2);
  problem.applications[0].options[0].ms.pop_back();
  EXPECT_THROW(decide(problem), Error);
  problem.applications[0].options.clear();
  EXPECT_THROW(decide(problem), Error);
}

}  // namespace
}  // namespace limber
