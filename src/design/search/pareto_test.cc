// SPDX-License-Identifier: Apache-2.0
#include "design/search/pareto.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/random.h"

namespace limber {
namespace {

std::vector<Objectives> random_points(int count, uint64_t seed) {
  Random random(seed);
  std::vector<Objectives> points;
  for (int i = 0; i < count; ++i)  // few values: many ties
    points.push_back({static_cast<double>(random.below(12)), static_cast<double>(random.below(12))});
  return points;
}

TEST(Pareto, FrontAndRanksAgreeWithTheirDefinition) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    const std::vector<Objectives> points = random_points(60, seed);
    const std::vector<int> ranks = pareto_ranks(points);
    for (std::size_t i = 0; i < points.size(); ++i) {
      int expected = 0;  // one more than the deepest point that dominates it
      for (std::size_t j = 0; j < points.size(); ++j) {
        if (dominates(points[j], points[i])) expected = std::max(expected, ranks[j] + 1);
      }
      EXPECT_EQ(ranks[i], expected);
    }
    const std::vector<std::size_t> front = pareto_front(points);
    for (std::size_t i = 0; i < points.size(); ++i) {
      const bool equal_there =
          std::any_of(front.begin(), front.end(), [&](std::size_t f) { return points[f] == points[i]; });
      EXPECT_EQ(equal_there, ranks[i] == 0);
    }
    for (std::size_t i = 1; i < front.size(); ++i) {
      EXPECT_LT(points[front[i - 1]].cost, points[front[i]].cost);
      EXPECT_LT(points[front[i - 1]].accuracy, points[front[i]].accuracy);
    }
  }
  EXPECT_TRUE(pareto_front({}).empty());
}

TEST(Pareto, EndsOfAFrontHaveEndlessRoom) {
  const std::vector<Objectives> points = {{1, 1}, {2, 3}, {5, 5}, {4, 2}};
  const std::vector<int> ranks = pareto_ranks(points);
  EXPECT_EQ(ranks, (std::vector<int>{0, 0, 0, 1}));
  const std::vector<double> room = crowding_distances(points, ranks);
  EXPECT_TRUE(std::isinf(room[0]) && std::isinf(room[2]) && std::isinf(room[3]));
  EXPECT_DOUBLE_EQ(room[1], 2);  // both neighbours are the ends
}

TEST(Pareto, HypervolumeIsTheDominatedArea) {
  EXPECT_DOUBLE_EQ(hypervolume(std::vector<Objectives>{{1, 2}, {3, 4}, {2, 1}}, {5, 0}), 4 * 2 + 2 * 2);
  EXPECT_DOUBLE_EQ(hypervolume(std::vector<Objectives>{{1, 2}, {6, 4}}, {5, 1}), 4);
  EXPECT_DOUBLE_EQ(hypervolume({}, {5, 0}), 0);
}

TEST(Pareto, FiguresAreReadOffTheLine) {
  const std::vector<Objectives> points = {{10, 0.5}, {20, 0.7}, {15, 0.4}, {40, 0.8}};
  EXPECT_DOUBLE_EQ(*cost_at(points, 0.6), 15);
  EXPECT_DOUBLE_EQ(*cost_at(points, 0.7), 20);
  EXPECT_DOUBLE_EQ(*accuracy_at(points, 30), 0.75);
  EXPECT_DOUBLE_EQ(*accuracy_at(points, 10), 0.5);
  EXPECT_EQ(cost_at(points, 0.4), std::nullopt);
  EXPECT_EQ(cost_at(points, 0.81), std::nullopt);
  EXPECT_EQ(accuracy_at(points, 9), std::nullopt);
  EXPECT_EQ(accuracy_at(points, 41), std::nullopt);
}

}  // namespace
}  // namespace limber
