// SPDX-License-Identifier: Apache-2.0
#include "manager/arbiter.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "base/error.h"
#include "manager/arbiter_cases.h"

namespace limber {
namespace {

bool better(const ArbiterDecision& a, const ArbiterDecision& b) {
  if (std::abs(a.unmet - b.unmet) > 1e-9) return a.unmet < b.unmet;
  if (std::abs(a.loss - b.loss) > 1e-9) return a.loss < b.loss;
  return a.power_w < b.power_w;
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

// Of a core each, some faster than others.
ArbiterCase small_case(std::mt19937* random, int processors, int points, int applications, int members) {
  ArbiterCase what;
  for (int p = 0; p < processors; ++p) {
    ArbiterCase::Processor processor;
    processor.cores = std::uniform_int_distribution<int>(1, 4)(*random);
    processor.points = points;
    if (processor.cores > 1) processor.threads.push_back(2);
    processor.speed = std::uniform_real_distribution<double>(0.3, 1)(*random);
    what.processors.push_back(processor);
  }
  what.applications = applications;
  what.members = members;
  return what;
}

ArbiterProblem random_problem(std::mt19937* random, int processors, int points, int applications, int members) {
  return random_arbiter_problem(small_case(random, processors, points, applications, members), random);
}

void expect_near_exhaustive(const std::vector<ArbiterProblem>& problems) {
  double sum = 0;
  int unmet = 0, loss = 0;
  for (std::size_t i = 0; i < problems.size(); ++i) {
    const ArbiterDecision found = decide(problems[i]), best = exhaustive(problems[i]);
    ASSERT_FALSE(better(found, best) && best.power_w - found.power_w > 1e-9) << i;
    if (found.unmet > best.unmet + 1e-9) {
      ++unmet;
    } else if (found.loss > best.loss + 1e-9) {
      ++loss;
    } else {
      EXPECT_LE(found.power_w, 1.02 * best.power_w + 1e-9) << i;
      sum += found.power_w / best.power_w - 1;
    }
  }
  EXPECT_LE(sum / static_cast<double>(problems.size()), 0.002);
  EXPECT_EQ(unmet, 0) << "cases in which more could have been served";
  EXPECT_EQ(loss, 0) << "cases in which answers could have been more accurate";
}

TEST(Arbiter, IsWithinTwoPercentOfExhaustiveSearch) {
  std::mt19937 random(1);
  std::vector<ArbiterProblem> problems;
  for (int i = 0; i < 1000; ++i) problems.push_back(random_problem(&random, 2, 3, 1 + i % 3, 2));
  expect_near_exhaustive(problems);
}

TEST(Arbiter, IsWithinTwoPercentOfExhaustiveSearchWithEverythingInUse) {
  std::mt19937 random(5);
  std::vector<ArbiterProblem> problems;
  for (int i = 0; i < 1000; ++i) {
    ArbiterCase what = small_case(&random, 2, 3, 1 + i % 3, 2);
    what.parked = what.accuracy = what.energy = what.missing = true;
    what.work = i % 2 == 0 ? 1 : 0.3;
    problems.push_back(random_arbiter_problem(what, &random));
    if (i % 4 == 0) problems.back().power_cap_w = 0.8 * decide(problems.back()).power_w;
  }
  expect_near_exhaustive(problems);
}

// One application on one processor of two points: slow and fast.
ArbiterProblem plain_problem() {
  ArbiterProblem problem;
  problem.processors = {{.cores = 1, .idle_w = {0.1, 0.4}}};
  ArbiterApplication application;
  application.rate_hz = 10;
  application.deadline_ms = 50;
  ArbiterOption small{.accuracy = 0.8, .ms = {20, 10}, .mean_ms = {20, 10}, .busy_w = {0.5, 2}};
  ArbiterOption large{.member = 1, .accuracy = 0.9, .ms = {80, 40}, .mean_ms = {80, 40}, .busy_w = {0.5, 2}};
  application.options = {small, large};
  problem.applications = {application};
  return problem;
}

TEST(Arbiter, AParkedProcessorIsChargedForTheTimeOfItsFrames) {
  ArbiterProblem problem = plain_problem();
  EXPECT_NEAR(judge(problem, {1}, {1}).power_w, 0.4 + 10 * 0.04 * 2, 1e-9);
  EXPECT_NEAR(judge(problem, {0}, {0}).power_w, 0.1 + 10 * 0.02 * 0.5, 1e-9);
  problem.processors[0].parked_w = 0.05;
  EXPECT_NEAR(judge(problem, {1}, {1}).power_w, 0.05 + 10 * 0.04 * (2 + 0.4 - 0.05), 1e-9);
  problem.applications.push_back(problem.applications[0]);  // two of them: twice
  EXPECT_NEAR(judge(problem, {1}, {1, 0}).power_w, 0.05 + 10 * 0.05 * (2 + 0.4 - 0.05), 1e-9);
}

TEST(Arbiter, PrefersAccuracyOnlyWhereEverythingIsMet) {
  ArbiterProblem problem = plain_problem();
  EXPECT_EQ(decide(problem).options[0], 0u);
  EXPECT_EQ(decide(problem).loss, 0);
  problem.applications[0].prefer_accuracy = true;
  problem.applications[0].weight = 3;
  EXPECT_EQ(decide(problem).options[0], 1u);
  EXPECT_EQ(decide(problem).points[0], 1u);
  EXPECT_NEAR(decide(problem).loss, 3 * 0.1, 1e-9);
  problem.applications[0].deadline_ms = 39;
  EXPECT_EQ(decide(problem).options[0], 0u);
  EXPECT_EQ(decide(problem).unmet, 0);
}

TEST(Arbiter, KeepsAFramesEnergy) {
  ArbiterProblem problem = plain_problem();
  problem.applications[0].prefer_accuracy = true;
  problem.applications[0].energy_mj = 40 * 2;
  EXPECT_EQ(decide(problem).options[0], 1u);
  problem.applications[0].energy_mj = 40 * 2 - 0.1;
  EXPECT_EQ(decide(problem).options[0], 0u);
  problem.applications[0].energy_mj = 40 * 2;
  problem.processors[0].parked_w = 0.1;  // now the frame is charged with 0.3 W more
  EXPECT_EQ(decide(problem).options[0], 0u);
  problem.applications[0].energy_mj = 1;  // no option takes so little: the least too much
  EXPECT_GT(decide(problem).unmet, 1);
  EXPECT_EQ(decide(problem).options[0], 0u);
  EXPECT_EQ(decide(problem).points[0], 0u);
}

TEST(Arbiter, PutsNothingOnAProcessorThatIsNotAvailable) {
  ArbiterProblem problem = plain_problem();
  problem.processors.push_back(problem.processors[0]);
  ArbiterOption costly = problem.applications[0].options[0];
  costly.processor = 1;
  costly.busy_w = {5, 20};
  problem.applications[0].options.push_back(costly);
  for (const std::size_t applications : {1, 2}) {
    problem.applications.resize(applications, problem.applications[0]);
    problem.processors[0].available = problem.processors[1].available = true;
    EXPECT_EQ(decide(problem).options, std::vector<std::size_t>(applications, 0));
    problem.processors[0].available = false;
    EXPECT_EQ(decide(problem).options, std::vector<std::size_t>(applications, 2));
    EXPECT_EQ(decide(problem).unmet, 0);
    problem.processors[1].available = false;
    EXPECT_GE(decide(problem).unmet, 1000) << "by a lot";
    EXPECT_NEAR(decide(problem).power_w, 0.2, 1e-9) << "nothing runs";
  }
}

TEST(Arbiter, WithoutApplicationsProcessorsRest) {
  ArbiterProblem problem = plain_problem();
  problem.applications.clear();
  problem.processors[0].idle_w = {0.3, 0.2, 0.4};
  EXPECT_EQ(decide(problem).points, std::vector<std::size_t>{1});
  EXPECT_NEAR(decide(problem).power_w, 0.2, 1e-9);
  EXPECT_EQ(decide(problem).unmet, 0);
  problem.processors[0].lowest = 2;
  EXPECT_EQ(decide(problem).points, std::vector<std::size_t>{2});
}

TEST(Arbiter, WhereRatesAreUnknownAFramesEnergyDecides) {
  ArbiterProblem problem = plain_problem();
  problem.processors[0].idle_w = {0, 0};
  problem.applications[0].rate_hz = 0;
  problem.applications[0].prefer_accuracy = true;
  problem.applications[0].deadline_ms = 100;
  EXPECT_EQ(decide(problem).points[0], 0u) << "80 ms of 0.5 W rather than 40 ms of 2 W";
  problem.applications.push_back(problem.applications[0]);
  EXPECT_EQ(decide(problem).points[0], 0u);
}

// More combinations of points than are looked at one by one; each is what single changes cannot improve.
TEST(Arbiter, ManyProcessors) {
  std::mt19937 random(6);
  for (int i = 0; i < 5; ++i) {
    ArbiterCase what = small_case(&random, 5, 12, 6, 3);
    what.parked = what.accuracy = true;
    const ArbiterProblem problem = random_arbiter_problem(what, &random);
    const ArbiterDecision found = decide(problem);
    for (std::size_t p = 0; p < found.points.size(); ++p) {
      for (std::size_t point = 0; point < 12; ++point) {
        std::vector<std::size_t> points = found.points;
        points[p] = point;
        EXPECT_FALSE(better(judge(problem, points, found.options), found)) << i;
      }
    }
    for (std::size_t a = 0; a < found.options.size(); ++a) {
      for (std::size_t o = 0; o < problem.applications[a].options.size(); ++o) {
        std::vector<std::size_t> options = found.options;
        options[a] = o;
        EXPECT_FALSE(better(judge(problem, found.points, options), found)) << i;
      }
    }
  }
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
