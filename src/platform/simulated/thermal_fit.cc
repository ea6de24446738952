// SPDX-License-Identifier: Apache-2.0
#include "platform/simulated/thermal_fit.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "platform/simulated/nonnegative_least_squares.h"

namespace limber {
namespace {

// Temperatures are counted from here, so that none is negative.
constexpr double kOffsetC = 100;

// T(t) = start * a + ambient * (1 - a) + k_per_w * g, where a decays from 1 and g follows the power.
struct Curve {
  std::vector<double> decay, heat;
};

Curve curve(const std::vector<HeatRow>& rows, double tau_s) {
  Curve result{{1}, {0}};
  for (std::size_t i = 1; i < rows.size(); ++i) {
    const double kept = std::exp((rows[i - 1].time_s - rows[i].time_s) / tau_s);
    result.decay.push_back(result.decay.back() * kept);
    result.heat.push_back(result.heat.back() * kept + rows[i].watts * (1 - kept));
  }
  return result;
}

LeastSquares::Solution solve(const std::vector<HeatRow>& rows, const Curve& curve) {
  LeastSquares equations(3);
  for (std::size_t i = 0; i < rows.size(); ++i)
    equations.add({1 - curve.decay[i], curve.heat[i], curve.decay[i]}, rows[i].celsius + kOffsetC);
  return equations.solve();
}

}  // namespace

ThermalFit fit_thermal(const Measurements& measurements) {
  const std::vector<HeatRow>& rows = measurements.heat;
  const auto need = [&](bool enough, const std::string& missing) {
    if (!enough)
      fail(
          ErrorCode::kInvalidArgument,
          "{}: heating trace: {}; record idle, then all cores busy until the temperature stays, then idle again, a row "
          "a second, or leave its rows out",
          measurements.where, missing);
  };
  need(rows.size() >= 10, fmt::format("{} rows, 10 are needed", rows.size()));
  const auto [coolest, hottest] = std::minmax_element(
      rows.begin(), rows.end(), [](const HeatRow& a, const HeatRow& b) { return a.celsius < b.celsius; });
  const auto [least, most] = std::minmax_element(rows.begin(), rows.end(),
                                                 [](const HeatRow& a, const HeatRow& b) { return a.watts < b.watts; });
  need(hottest->celsius - coolest->celsius >= 3,
       fmt::format("temperatures from {} to {} C, 3 K apart at least are needed", coolest->celsius, hottest->celsius));
  need(most->watts >= 1.25 * least->watts,
       fmt::format("power from {} to {} W hardly changes", least->watts, most->watts));

  ThermalFit fit;
  fit.rows = static_cast<int>(rows.size());
  fit.seconds = rows.back().time_s - rows.front().time_s;
  const auto squares = [&](double log_tau) { return solve(rows, curve(rows, std::exp(log_tau))).squares; };
  // A grid first: the error may have more than one valley.
  constexpr int kSteps = 80;
  const double low = std::log(0.2 * fit.seconds / fit.rows), high = std::log(3 * fit.seconds);
  const double step = (high - low) / kSteps;
  int best = 0;
  double lowest = squares(low);
  for (int i = 1; i <= kSteps; ++i) {
    const double here = squares(low + i * step);
    if (here < lowest) best = i, lowest = here;
  }
  double from = low + (best - 1) * step, to = low + (best + 1) * step;
  for (int i = 0; i < 80; ++i) {
    const double third = (to - from) / 3;
    if (squares(from + third) < squares(to - third)) {
      to -= third;
    } else {
      from += third;
    }
  }
  fit.tau_s = std::exp((from + to) / 2);
  need(fit.seconds >= 2 * fit.tau_s,
       fmt::format("{:.0f} s are less than two time constants, of which one seems to be {:.0f} s", fit.seconds,
                   fit.tau_s));
  need(best > 0,
       fmt::format("the temperature follows faster than the rows, {:.1f} s apart, can tell", fit.seconds / fit.rows));
  const Curve found = curve(rows, fit.tau_s);
  const auto solution = solve(rows, found);
  need(solution.independence[1] > 1e-3 && solution.x[1] > 0, "temperature does not follow power");
  fit.ambient_c = solution.x[0] - kOffsetC;
  fit.k_per_w = solution.x[1];
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const double modelled =
        solution.x[0] * (1 - found.decay[i]) + solution.x[1] * found.heat[i] + solution.x[2] * found.decay[i];
    const double error = std::abs(modelled - kOffsetC - rows[i].celsius);
    fit.mean_k += error / fit.rows;
    fit.worst_k = std::max(fit.worst_k, error);
  }
  return fit;
}

void store_thermal(const ThermalFit& fit, const std::string& date, const std::string& file, Board* board) {
  const auto six_digits = [](double value) { return std::stod(fmt::format("{:.6g}", value)); };
  board->thermal = {
      six_digits(fit.ambient_c),
      six_digits(fit.k_per_w),
      six_digits(fit.tau_s),
      {fit.mean_k <= 2   ? "high"
       : fit.mean_k <= 5 ? "medium"
                         : "low",
       fmt::format("limber calibrate board, {}, {}: {} rows over {:.0f} s, {:.1f} K off on average, {:.1f} "
                   "K at worst",
                   date, file, fit.rows, fit.seconds, fit.mean_k, fit.worst_k)}};
}

}  // namespace limber
