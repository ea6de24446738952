// SPDX-License-Identifier: Apache-2.0
// Small least-squares problems whose unknowns may not be negative, as physical coefficients. Layer: platform.
#pragma once
#include <cstddef>
#include <vector>

namespace limber {

// Rows of equations: sum of coefficients[c] * x[c] = value. Dense; meant for some hundred rows and a few unknowns.
class LeastSquares {
 public:
  explicit LeastSquares(std::size_t unknowns) : unknowns_(unknowns) {}
  // `coefficients` has one entry per unknown; `weight` multiplies the equation.
  void add(const std::vector<double>& coefficients, double value, double weight = 1);

  struct Solution {
    std::vector<double> x;             // none below 0
    std::vector<double> independence;  // 0 to 1 for each unknown: what of its column the columns before it do not
                                       // explain. Near 0 the equations cannot tell it from those.
    double squares = 0;                // the sum of the squared, weighted residuals
  };
  // The active-set method of Lawson and Hanson on the triangle of a Householder reduction: rows * unknowns^2 steps.
  Solution solve() const;

 private:
  std::size_t unknowns_;
  std::vector<double> cells_;  // rows of unknowns_ + 1, the value last
};

}  // namespace limber
