// SPDX-License-Identifier: Apache-2.0
// Profiles without their noise: a point's measurement is off by some percent, physics is smooth. Layer: manager.
#pragma once
#include <cstdint>
#include <vector>

namespace limber {

// Times at the given frequencies: a part that the clock shortens and one that it does not, a + b / f, least squares of
// the relative errors, neither part negative. As given where there are fewer than four points. O(points).
std::vector<double> smooth_times(const std::vector<int64_t>& khz, const std::vector<double>& ms);

// Watts at the given frequencies: a cubic polynomial of f, least squares of the relative errors. As given where there
// are fewer than six points, or a value is not positive.
std::vector<double> smooth_watts(const std::vector<int64_t>& khz, const std::vector<double>& watts);

}  // namespace limber
