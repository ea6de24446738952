// SPDX-License-Identifier: Apache-2.0
// Order statistics of measured times. Layer: base.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>
#include <vector>

namespace limber {

// The smallest value that at least `share` (0..1) of the values do not exceed: nearest rank, no interpolation, so the
// result is a value that was measured. 0 of nothing. O(values).
inline double quantile(std::vector<double> values, double share) {
  if (values.empty()) return 0;
  const auto rank = static_cast<std::size_t>(std::ceil(share * static_cast<double>(values.size())));
  const auto place =
      values.begin() + static_cast<std::ptrdiff_t>(std::min(std::max<std::size_t>(rank, 1), values.size()) - 1);
  std::nth_element(values.begin(), place, values.end());
  return *place;
}

inline double median(std::vector<double> values) {
  return quantile(std::move(values), 0.5);
}

// Median absolute deviation from the median: how far a typical value lies off, however far the worst ones do.
inline double median_deviation(std::vector<double> values) {
  const double middle = median(values);
  for (double& value : values) value = std::abs(value - middle);
  return median(std::move(values));
}

}  // namespace limber
