// SPDX-License-Identifier: Apache-2.0
#include "platform/simulated/nonnegative_least_squares.h"

#include <algorithm>
#include <cmath>

namespace limber {
namespace {

// Row-major, `columns` wide.
struct Matrix {
  std::size_t columns = 0;
  std::vector<double> cells;
  double& at(std::size_t r, std::size_t c) { return cells[r * columns + c]; }
  double at(std::size_t r, std::size_t c) const { return cells[r * columns + c]; }
  std::size_t rows() const { return columns == 0 ? 0 : cells.size() / columns; }
};

// Householder reflections: the first `pivots` columns become upper triangular, the others are carried along.
void reduce(Matrix& m, std::size_t pivots) {
  for (std::size_t p = 0; p < std::min(pivots, m.rows()); ++p) {
    double norm = 0;
    for (std::size_t r = p; r < m.rows(); ++r) norm = std::hypot(norm, m.at(r, p));
    if (norm == 0) continue;
    const double alpha = m.at(p, p) > 0 ? -norm : norm;
    std::vector<double> v(m.rows() - p);
    for (std::size_t r = p; r < m.rows(); ++r) v[r - p] = m.at(r, p);
    v[0] -= alpha;
    double square = 0;
    for (const double x : v) square += x * x;
    for (std::size_t c = p; c < m.columns; ++c) {
      double dot = 0;
      for (std::size_t r = p; r < m.rows(); ++r) dot += v[r - p] * m.at(r, c);
      for (std::size_t r = p; r < m.rows(); ++r) m.at(r, c) -= 2 * dot / square * v[r - p];
    }
  }
}

// Unconstrained, over the unknowns of `passive`; the others stay 0. `m`: a reduced system, the value in the last
// column.
std::vector<double> solve_passive(const Matrix& m, const std::vector<bool>& passive) {
  std::vector<std::size_t> columns;
  for (std::size_t c = 0; c < passive.size(); ++c) {
    if (passive[c]) columns.push_back(c);
  }
  Matrix part{columns.size() + 1, std::vector<double>(m.rows() * (columns.size() + 1))};
  for (std::size_t r = 0; r < m.rows(); ++r) {
    for (std::size_t c = 0; c < columns.size(); ++c) part.at(r, c) = m.at(r, columns[c]);
    part.at(r, columns.size()) = m.at(r, m.columns - 1);
  }
  reduce(part, columns.size());
  std::vector<double> x(passive.size(), 0.0);
  for (std::size_t i = columns.size(); i-- > 0;) {
    double rest = part.at(i, columns.size());
    for (std::size_t j = i + 1; j < columns.size(); ++j) rest -= part.at(i, j) * x[columns[j]];
    x[columns[i]] = std::abs(part.at(i, i)) < 1e-12 ? 0 : rest / part.at(i, i);
  }
  return x;
}

}  // namespace

void LeastSquares::add(const std::vector<double>& coefficients, double value, double weight) {
  for (std::size_t c = 0; c < unknowns_; ++c) cells_.push_back(weight * coefficients.at(c));
  cells_.push_back(weight * value);
}

LeastSquares::Solution LeastSquares::solve() const {
  const std::size_t n = unknowns_;
  Matrix m{n + 1, cells_};
  while (m.rows() < n + 1) m.cells.resize(m.cells.size() + n + 1, 0.0);
  std::vector<double> scale(n, 1.0);
  for (std::size_t c = 0; c < n; ++c) {
    double norm = 0;
    for (std::size_t r = 0; r < m.rows(); ++r) norm = std::hypot(norm, m.at(r, c));
    if (norm > 0) scale[c] = norm;
    for (std::size_t r = 0; r < m.rows(); ++r) m.at(r, c) /= scale[c];
  }
  reduce(m, n + 1);  // the value's column too: its last entry is what no unknown explains
  m.cells.resize((n + 1) * (n + 1));
  Solution solution;
  for (std::size_t c = 0; c < n; ++c) solution.independence.push_back(std::min(1.0, std::abs(m.at(c, c))));

  const auto residual = [&](const std::vector<double>& x, std::size_t r) {
    double rest = m.at(r, n);
    for (std::size_t c = 0; c < n; ++c) rest -= m.at(r, c) * x[c];
    return rest;
  };
  double size = 0;
  for (std::size_t r = 0; r <= n; ++r) size = std::hypot(size, m.at(r, n));
  std::vector<double> x(n, 0.0);
  std::vector<bool> passive(n, false);
  for (std::size_t round = 0; round < 3 * n + 3; ++round) {
    // The unknown that reduces the error most when it leaves 0.
    std::size_t best = n;
    double steepest = 1e-12 * size;
    for (std::size_t c = 0; c < n; ++c) {
      if (passive[c]) continue;
      double slope = 0;
      for (std::size_t r = 0; r <= n; ++r) slope += m.at(r, c) * residual(x, r);
      if (slope > steepest) best = c, steepest = slope;
    }
    if (best == n) break;
    passive[best] = true;
    for (;;) {
      const std::vector<double> wanted = solve_passive(m, passive);
      double step = 1;
      for (std::size_t c = 0; c < n; ++c) {
        if (passive[c] && wanted[c] <= 0) step = std::min(step, x[c] / (x[c] - wanted[c] + 1e-300));
      }
      for (std::size_t c = 0; c < n; ++c) x[c] += step * (wanted[c] - x[c]);
      if (step >= 1) break;
      for (std::size_t c = 0; c < n; ++c) {
        if (passive[c] && x[c] <= 1e-14 * size) passive[c] = false, x[c] = 0;
      }
    }
  }
  for (std::size_t r = 0; r <= n; ++r) solution.squares += residual(x, r) * residual(x, r);
  for (std::size_t c = 0; c < n; ++c) solution.x.push_back(std::max(0.0, x[c]) / scale[c]);
  return solution;
}

}  // namespace limber
