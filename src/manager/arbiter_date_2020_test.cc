// SPDX-License-Identifier: Apache-2.0
// The decisions and the dynamic range of "Optimising Resource Management for Embedded Machine Learning" (DATE 2020) on
// its Odroid XU3. The numbers are from memory, not from the paper's text: docs/decisions/date-2020.md.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "manager/arbiter.h"

namespace limber {
namespace {

// The whole network, on one core.
struct Row {
  double ghz, ms, mw, mj;
};
struct Cluster {
  std::vector<Row> rows;    // of the paper's table, from memory
  double ms_ghz;            // between them: time = this / frequency, fitted to the rows
  std::size_t frequencies;  // from 200 MHz in steps of 100 MHz
};
const Cluster kA15{{{0.2, 1020, 326, 320}, {1.0, 204, 846, 173}, {1.8, 117, 2120, 248}}, 207, 17};
const Cluster kA7{{{0.2, 1780, 72.4, 129}, {0.7, 504, 141, 71.4}, {1.3, 280, 329, 92.1}}, 358, 12};
constexpr std::size_t kProcessorA15 = 0, kProcessorA7 = 1;

// From memory, too: top-1 on CIFAR-10 with these shares of the channels.
struct Width {
  double share, accuracy;
  double time() const { return 0.155 + 0.845 * share; }
  double energy() const { return 0.232 + 0.768 * share; }
};
constexpr Width kWidths[] = {{0.25, 0.560}, {0.5, 0.627}, {0.75, 0.688}, {1, 0.712}};

double ghz_of(std::size_t point) {
  return 0.2 + 0.1 * static_cast<double>(point);
}

struct Point {
  double ms, mj;
};

// The table's own row, or between two: time by frequency, power on the line between the rows.
Point point_of(const Cluster& cluster, std::size_t index) {
  const double ghz = ghz_of(index);
  std::size_t above = 0;
  for (const Row& row : cluster.rows) {
    if (std::abs(row.ghz - ghz) < 1e-9) return {row.ms, row.mj};
    above += row.ghz < ghz ? 1 : 0;
  }
  const Row &low = cluster.rows[above - 1], &high = cluster.rows[above];
  const double mw = low.mw + (high.mw - low.mw) * (ghz - low.ghz) / (high.ghz - low.ghz);
  const double ms = cluster.ms_ghz / ghz;
  return {ms, 1e-3 * mw * ms};
}

// One frame a second; power counts from 0, so a frame's energy is all that was measured while it ran.
ArbiterProblem board(double budget_ms, double budget_mj) {
  ArbiterProblem problem;
  ArbiterApplication application;
  application.rate_hz = 1;
  application.deadline_ms = budget_ms;
  application.energy_mj = budget_mj;
  application.prefer_accuracy = true;
  for (const Cluster& cluster : {kA15, kA7}) {
    ArbiterProcessor processor;
    processor.cores = 1;
    processor.idle_w.assign(cluster.frequencies, 0);
    processor.parked_w = 0;
    for (std::size_t w = 0; w < std::size(kWidths); ++w) {
      ArbiterOption option;
      option.member = static_cast<int>(w);
      option.processor = problem.processors.size();
      option.accuracy = kWidths[w].accuracy;
      for (std::size_t i = 0; i < cluster.frequencies; ++i) {
        const Point whole = point_of(cluster, i);
        option.ms.push_back(whole.ms * kWidths[w].time());
        option.busy_w.push_back(whole.mj * kWidths[w].energy() / option.ms.back());
      }
      option.mean_ms = option.ms;
      application.options.push_back(option);
    }
    problem.processors.push_back(processor);
  }
  problem.applications.push_back(application);
  return problem;
}

struct Pick {
  double width, mhz, ms, mj;
  std::size_t processor;
};
Pick pick(const ArbiterProblem& problem) {
  const ArbiterDecision decision = decide(problem);
  EXPECT_EQ(decision.unmet, 0);
  const ArbiterOption& option = problem.applications[0].options[decision.options[0]];
  const std::size_t point = decision.points[option.processor];
  return {kWidths[static_cast<std::size_t>(option.member)].share, std::round(1000 * ghz_of(point)), option.ms[point],
          option.ms[point] * option.busy_w[point], option.processor};
}

TEST(ArbiterDate2020, FourHundredMillisecondsAndHundredMillijoules) {
  const Pick chosen = pick(board(400, 100));
  EXPECT_EQ(chosen.width, 1);
  EXPECT_EQ(chosen.processor, kProcessorA7);
  EXPECT_EQ(chosen.mhz, 900);
  EXPECT_NEAR(chosen.ms, 397.8, 0.1);
  EXPECT_NEAR(chosen.mj, 81.0, 0.1);
}

TEST(ArbiterDate2020, TwoHundredMillisecondsAndHundredFiftyMillijoules) {
  const Pick chosen = pick(board(200, 150));
  EXPECT_EQ(chosen.width, 0.75);
  EXPECT_EQ(chosen.processor, kProcessorA15);
  EXPECT_EQ(chosen.mhz, 1000);
  EXPECT_NEAR(chosen.ms, 161.0, 0.1);
  EXPECT_NEAR(chosen.mj, 139.8, 0.1);
}

// The rule itself, over all points and many budgets: the most accurate within both, of these the least energy.
TEST(ArbiterDate2020, IsTheRule) {
  int reachable = 0;
  for (double ms = 60; ms < 2000; ms *= 1.3) {
    for (double mj = 35; mj < 350; mj *= 1.2) {
      const ArbiterProblem problem = board(ms, mj);
      double accuracy = 0, energy = 0;
      for (const ArbiterOption& option : problem.applications[0].options) {
        for (std::size_t i = 0; i < option.ms.size(); ++i) {
          const double cost = option.ms[i] * option.busy_w[i];
          if (option.ms[i] > ms || option.ms[i] > 950 || cost > mj) continue;  // 950: one frame a second fits
          if (option.accuracy > accuracy || (option.accuracy == accuracy && cost < energy)) {
            accuracy = option.accuracy;
            energy = cost;
          }
        }
      }
      if (accuracy == 0) continue;
      ++reachable;
      const Pick chosen = pick(problem);
      EXPECT_NEAR(chosen.mj, energy, 1e-6) << ms << " ms, " << mj << " mJ";
      EXPECT_NEAR(decide(problem).loss, 1 - accuracy, 1e-8) << ms << " ms, " << mj << " mJ";
    }
  }
  EXPECT_GT(reachable, 50);
}

struct Range {
  double least = std::numeric_limits<double>::infinity(), most = 0;
  void add(double x) {
    least = std::min(least, x);
    most = std::max(most, x);
  }
  double ratio() const { return most / least; }
};

// Modelled: what follows from the rows above. The paper says 41.6 for time and 10.6 for energy.
TEST(ArbiterDate2020, DynamicRange) {
  const ArbiterProblem problem = board(400, 100);
  Range ms, mj;
  for (const ArbiterOption& option : problem.applications[0].options) {
    for (std::size_t i = 0; i < option.ms.size(); ++i) {
      ms.add(option.ms[i]);
      mj.add(option.ms[i] * option.busy_w[i]);
    }
  }
  Range width_ms, width_mj, mapping_ms, mapping_mj, a15_ms, a7_mj;
  for (const Width& width : kWidths) {
    width_ms.add(width.time());
    width_mj.add(width.energy());
  }
  for (const Cluster& cluster : {kA15, kA7}) {  // both at 200 MHz
    mapping_ms.add(point_of(cluster, 0).ms);
    mapping_mj.add(point_of(cluster, 0).mj);
  }
  // From the slowest point (A7 at 200 MHz) the way to the fastest leads over the A15's clocks, from the point of most
  // energy (A15 at 200 MHz) the way to the least over the A7's.
  for (std::size_t i = 0; i < kA15.frequencies; ++i) a15_ms.add(point_of(kA15, i).ms);
  for (std::size_t i = 0; i < kA7.frequencies; ++i) a7_mj.add(point_of(kA7, i).mj);
  EXPECT_NEAR(width_ms.ratio(), 2.731, 0.001);
  EXPECT_NEAR(mapping_ms.ratio(), 1.745, 0.001);
  EXPECT_NEAR(a15_ms.ratio(), 8.718, 0.001);
  EXPECT_NEAR(ms.ratio(), 41.54, 0.01);
  EXPECT_NEAR(ms.ratio(), width_ms.ratio() * mapping_ms.ratio() * a15_ms.ratio(), 1e-9);
  EXPECT_NEAR(width_mj.ratio(), 2.358, 0.001);
  EXPECT_NEAR(mapping_mj.ratio(), 2.481, 0.001);
  EXPECT_NEAR(a7_mj.ratio(), 1.807, 0.001);
  EXPECT_NEAR(mj.ratio(), 10.57, 0.01);
  EXPECT_NEAR(mj.ratio(), width_mj.ratio() * mapping_mj.ratio() * a7_mj.ratio(), 1e-9);
}

}  // namespace
}  // namespace limber
