// SPDX-License-Identifier: Apache-2.0
#include "manager/smoothing.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace limber {
namespace {

constexpr std::size_t kMost = 4;  // coefficients

// Least squares of (sum_i c_i basis_i(x) - y) / y by the normal equations; false where they are singular.
template <std::size_t N, typename Basis>
bool fit(const std::vector<double>& x, const std::vector<double>& y, Basis basis, std::array<double, N>* c) {
  static_assert(N <= kMost);
  double a[N][N + 1] = {};
  for (std::size_t k = 0; k < x.size(); ++k) {
    const std::array<double, N> row = basis(x[k]);
    for (std::size_t i = 0; i < N; ++i) {
      for (std::size_t j = 0; j < N; ++j) a[i][j] += row[i] * row[j] / (y[k] * y[k]);
      a[i][N] += row[i] / y[k];
    }
  }
  for (std::size_t i = 0; i < N; ++i) {
    std::size_t pivot = i;
    for (std::size_t r = i + 1; r < N; ++r) {
      if (std::abs(a[r][i]) > std::abs(a[pivot][i])) pivot = r;
    }
    if (std::abs(a[pivot][i]) < 1e-12) return false;
    std::swap(a[i], a[pivot]);
    for (std::size_t r = 0; r < N; ++r) {
      if (r == i) continue;
      const double factor = a[r][i] / a[i][i];
      for (std::size_t j = i; j <= N; ++j) a[r][j] -= factor * a[i][j];
    }
  }
  for (std::size_t i = 0; i < N; ++i) (*c)[i] = a[i][N] / a[i][i];
  return true;
}

// Frequencies as shares of the highest, so that sums stay near 1.
std::vector<double> shares(const std::vector<int64_t>& khz) {
  std::vector<double> result;
  for (const int64_t f : khz) result.push_back(static_cast<double>(f) / static_cast<double>(khz.back()));
  return result;
}

bool positive(const std::vector<double>& values) {
  return std::all_of(values.begin(), values.end(), [](double v) { return v > 0; });
}

}  // namespace

std::vector<double> smooth_times(const std::vector<int64_t>& khz, const std::vector<double>& ms) {
  if (khz.size() != ms.size() || ms.size() < 4 || khz.front() <= 0 || !positive(ms)) return ms;
  const std::vector<double> x = shares(khz);
  std::array<double, 2> c{};
  if (!fit<2>(
          x, ms,
          [](double f) {
            return std::array<double, 2>{1, 1 / f};
          },
          &c))
    return ms;
  const auto one = [&](auto basis) {
    std::array<double, 1> only{};
    fit<1>(
        x, ms, [&](double f) { return std::array<double, 1>{basis(f)}; }, &only);
    return only[0];
  };
  if (c[0] < 0) c = {0, one([](double f) { return 1 / f; })};
  if (c[1] < 0) c = {one([](double) { return 1.0; }), 0};
  std::vector<double> result;
  for (const double f : x) result.push_back(c[0] + c[1] / f);
  return result;
}

std::vector<double> smooth_watts(const std::vector<int64_t>& khz, const std::vector<double>& watts) {
  if (khz.size() != watts.size() || watts.size() < 6 || khz.front() <= 0 || !positive(watts)) return watts;
  const std::vector<double> x = shares(khz);
  const auto cubic = [](double f) { return std::array<double, 4>{1, f, f * f, f * f * f}; };
  std::array<double, 4> c{};
  if (!fit<4>(x, watts, cubic, &c)) return watts;
  std::vector<double> result;
  for (const double f : x) result.push_back(c[0] + c[1] * f + c[2] * f * f + c[3] * f * f * f);
  return positive(result) ? result : watts;
}

}  // namespace limber
