// SPDX-License-Identifier: Apache-2.0
#include "platform/simulated/nonnegative_least_squares.h"

#include <gtest/gtest.h>

#include "base/random.h"

namespace limber {
namespace {

TEST(LeastSquares, GivesBackWhatMadeTheValues) {
  Random random(3);
  const std::vector<double> truth = {0.5, 0, 3e-4, 70};
  LeastSquares equations(truth.size());
  for (int i = 0; i < 50; ++i) {
    std::vector<double> row;
    double value = 0;
    for (const double x : truth) row.push_back(random.uniform()), value += row.back() * x;
    equations.add(row, value, 0.1 + random.uniform());
  }
  const auto solution = equations.solve();
  for (std::size_t c = 0; c < truth.size(); ++c) EXPECT_NEAR(solution.x[c], truth[c], 1e-10);
  EXPECT_LT(solution.squares, 1e-18);
}

// Optimal under x >= 0 is: no positive slope at a bound, no slope off it.
TEST(LeastSquares, IsOptimalAmongWhatIsNotNegative) {
  Random random(5);
  int at_bound = 0;
  for (int problem = 0; problem < 200; ++problem) {
    const std::size_t n = 1 + random.below(6);
    std::vector<std::vector<double>> rows;
    std::vector<double> values;
    LeastSquares equations(n);
    for (int i = 0; i < 20; ++i) {
      std::vector<double> row;
      for (std::size_t c = 0; c < n; ++c) row.push_back(random.uniform() - 0.3);
      rows.push_back(row);
      values.push_back(random.uniform() - 0.5);
      equations.add(rows.back(), values.back());
    }
    const auto solution = equations.solve();
    for (std::size_t c = 0; c < n; ++c) {
      double slope = 0;
      for (std::size_t r = 0; r < rows.size(); ++r) {
        double rest = values[r];
        for (std::size_t k = 0; k < n; ++k) rest -= rows[r][k] * solution.x[k];
        slope += rest * rows[r][c];
      }
      EXPECT_GE(solution.x[c], 0);
      EXPECT_LT(slope, 1e-9);
      if (solution.x[c] > 0) {
        EXPECT_NEAR(slope, 0, 1e-9);
      }
      at_bound += solution.x[c] == 0 ? 1 : 0;
    }
  }
  EXPECT_GT(at_bound, 50) << "the constraint was hardly tried";
}

TEST(LeastSquares, SaysWhatCannotBeToldApart) {
  LeastSquares equations(3);
  for (int i = 1; i < 9; ++i) equations.add({1.0 * i, 2.0 * i, 1}, 3.0 * i);
  const auto solution = equations.solve();
  EXPECT_LT(solution.independence[1], 1e-12);
  EXPECT_GT(solution.independence[2], 0.1);
  EXPECT_NEAR(solution.x[0] + 2 * solution.x[1], 3, 1e-9);
}

}  // namespace
}  // namespace limber
