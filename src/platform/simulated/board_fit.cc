// SPDX-License-Identifier: Apache-2.0
#include "platform/simulated/board_fit.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <set>
#include <tuple>

#include "base/error.h"
#include "base/statistics.h"
#include "platform/simulated/nonnegative_least_squares.h"

namespace limber {
namespace {

constexpr double kReferenceC = 50;       // of the leakage term; stands for a temperature that nobody measured
constexpr double kUsualLeakPerC = 0.03;  // of 28 nm processors
constexpr double kSpreadC = 20;          // at one load: enough to see how leakage grows
constexpr const char* kPlan = "'limber calibrate board --plan' tells how";

struct Row {
  const PowerRow* source = nullptr;
  double volt = 0;
  OperatingPerformancePoint judged;  // as the board will be used
  std::size_t load_class = 0;
  bool idle = false, held_out = false, left_out = false;
  double weight = 1;

  double celsius() const { return source->celsius.value_or(kReferenceC); }
};

class Fitting {
 public:
  Fitting(const Processor& processor, const Measurements& measurements, const FitOptions& options);
  PowerFit run();

 private:
  void check() const;
  void need(bool enough, const std::string& missing) const {
    if (!enough) fail(ErrorCode::kInvalidArgument, "{}: {}; {}", where_, missing, kPlan);
  }
  // Watts at that point with the coefficients so far.
  double modelled(const Row& row, const OperatingPerformancePoint& point) const;
  double error(const Row& row) const { return modelled(row, row.judged) / row.source->watts - 1; }
  void solve();
  void solve_robustly();
  void leave_outliers_out();
  bool fit_leak_per_c();
  FitErrors errors(const std::function<bool(const Row&)>& of) const;
  bool has_constant() const { return options_.whole_board || processor_.kind == ProcessorKind::kGpu; }
  bool has_leak() const { return processor_.kind == ProcessorKind::kCpu; }

  const Processor& processor_;
  const FitOptions& options_;
  std::string where_;
  std::vector<Row> rows_;
  std::vector<std::string> classes_;
  PowerModel model_;           // core_w_per_ghz_v2: 1, so that an activity is the class's own coefficient
  std::vector<double> cores_;  // of each class
  double squares_ = 0;
  std::vector<double> independence_;
};

Fitting::Fitting(const Processor& processor, const Measurements& measurements, const FitOptions& options)
    : processor_(processor),
      options_(options),
      where_(fmt::format("{}: processor '{}'", measurements.where, processor.name)) {
  std::set<std::string> classes, others;
  for (const PowerRow& row : measurements.power) {
    if (row.processor != processor.name) {
      others.insert(row.processor);
    } else if (!row.idle()) {
      classes.insert(row.load_class);
    }
  }
  classes_.assign(classes.begin(), classes.end());
  for (const PowerRow& row : measurements.power) {
    if (row.processor != processor.name) continue;
    const auto point =
        std::find_if(processor.opps.begin(), processor.opps.end(), [&](const auto& opp) { return opp.khz == row.khz; });
    if (row.volt == 0 && point == processor.opps.end())
      fail(ErrorCode::kInvalidArgument,
           "{}: {} kHz is no operating point of '{}' and the row has no volt; legal: the board's points, {} to {} kHz, "
           "or volts in the row",
           row.place, row.khz, processor.name, processor.opps.front().khz, processor.opps.back().khz);
    // A meter's and a counter's seconds are not quite the same ones.
    if (row.busy > 1.02 * static_cast<double>(processor.cores()))
      fail(ErrorCode::kInvalidArgument, "{}, column busy: {}; legal: 0 to {}, the cores of '{}'", row.place, row.busy,
           processor.cores(), processor.name);
    Row one;
    one.source = &row;
    one.volt = row.volt > 0 ? row.volt : point->volt;
    one.judged = point == processor.opps.end() ? OperatingPerformancePoint{row.khz, one.volt} : *point;
    one.idle = row.idle();
    const auto load_class = std::lower_bound(classes_.begin(), classes_.end(), row.load_class);
    one.load_class = one.idle ? 0 : static_cast<std::size_t>(load_class - classes_.begin());
    one.held_out = std::count(options.hold_out.begin(), options.hold_out.end(), row.khz) > 0;
    if (!rows_.empty() && rows_.front().source->celsius.has_value() != row.celsius.has_value())
      fail(ErrorCode::kInvalidArgument, "{}, column celsius: some rows of '{}' have it, others not; legal: all or none",
           row.place, processor.name);
    rows_.push_back(one);
  }
  std::string names;
  for (const std::string& name : others) names += (names.empty() ? "" : ", ") + name;
  need(!rows_.empty(), "no rows; the file has rows of: " + (names.empty() ? "no processor" : names));
  cores_.assign(classes_.size(), 0.0);
  model_.core_w_per_ghz_v2 = 1;
  model_.leak_per_c = processor.power.leak_per_c > 0 ? processor.power.leak_per_c : kUsualLeakPerC;
}

// Messages name what is missing, in the order in which one would measure it.
void Fitting::check() const {
  std::set<int64_t> all, fitted, idle;
  std::vector<std::set<int64_t>> busy(classes_.size());
  for (const Row& row : rows_) {
    all.insert(row.source->khz);
    if (row.held_out || row.left_out) continue;
    fitted.insert(row.source->khz);
    (row.idle ? idle : busy[row.load_class]).insert(row.source->khz);
  }
  for (const int64_t khz : options_.hold_out)
    need(all.count(khz) > 0, fmt::format("{} kHz is to be held out, but has no rows", khz));
  need(fitted.size() >= 3,
       fmt::format("{} frequencies to fit; measure at 3 at least, better 4 or more over the whole range, since clock "
                   "and leakage differ only in how they grow with it",
                   fitted.size()));
  need(static_cast<double>(*fitted.rbegin()) >= 1.5 * static_cast<double>(*fitted.begin()),
       fmt::format("{} to {} kHz is too narrow; measure at frequencies of which the highest is at least 1.5 times the "
                   "lowest",
                   *fitted.begin(), *fitted.rbegin()));
  need(idle.size() >= 2, fmt::format("idle rows at {} frequencies; measure with no busy core (busy 0, or class idle) "
                                     "at 2 at least, better at all",
                                     idle.size()));
  need(!classes_.empty(), "no rows with busy cores; measure 1 to all cores busy, with two classes of load");
  for (std::size_t c = 0; c < classes_.size(); ++c)
    need(busy[c].size() >= 2,
         fmt::format("class '{}' at {} frequencies that are not held out; measure it at 2 at least", classes_[c],
                     busy[c].size()));
}

double Fitting::modelled(const Row& row, const OperatingPerformancePoint& point) const {
  const double activity = row.idle ? 0 : cores_[row.load_class] * row.source->busy;
  return power_w(model_, point, activity, row.celsius());
}

// Unknowns: clock, one per class, leak, a constant. Equations are divided by the measured watts, so that what is
// minimised are the relative errors that are told, and idle rows count as much as hot ones.
void Fitting::solve() {
  const std::size_t classes = classes_.size(), leak = 1 + classes, constant = leak + (has_leak() ? 1 : 0);
  LeastSquares equations(constant + (has_constant() ? 1 : 0));
  for (const Row& row : rows_) {
    if (row.held_out || row.left_out) continue;
    std::vector<double> coefficients(constant + (has_constant() ? 1 : 0), 0.0);
    const double v2 = row.volt * row.volt, per_ghz = 1e-6 * static_cast<double>(row.source->khz) * v2;
    coefficients[0] = per_ghz;
    if (!row.idle) coefficients[1 + row.load_class] = per_ghz * row.source->busy;
    if (has_leak()) coefficients[leak] = v2 * v2 * std::exp(model_.leak_per_c * (row.celsius() - kReferenceC));
    if (has_constant()) coefficients[constant] = 1;
    equations.add(coefficients, row.source->watts, row.weight / row.source->watts);
  }
  const auto solution = equations.solve();
  squares_ = solution.squares;
  independence_ = solution.independence;
  model_.clock_w_per_ghz_v2 = solution.x[0];
  for (std::size_t c = 0; c < classes; ++c) cores_[c] = solution.x[1 + c];
  model_.leak_w_per_v4 = has_leak() ? solution.x[leak] : 0;
  model_.idle_w = has_constant() ? solution.x[constant] : 0;
}

// Huber's weights: a row beyond 1.5 robust deviations counts by its distance, not by the square of it.
void Fitting::solve_robustly() {
  for (Row& row : rows_) row.weight = 1;
  for (int round = 0; round < 30; ++round) {
    solve();
    std::vector<double> sizes;
    for (const Row& row : rows_) {
      if (!row.held_out) sizes.push_back(std::abs(modelled(row, {row.source->khz, row.volt}) / row.source->watts - 1));
    }
    const double limit = 1.5 * std::max(1.4826 * median(sizes), 1e-6);
    for (Row& row : rows_) {
      const double size = std::abs(modelled(row, {row.source->khz, row.volt}) / row.source->watts - 1);
      row.weight = size > limit ? std::sqrt(limit / size) : 1;
    }
  }
}

void Fitting::leave_outliers_out() {
  solve_robustly();
  std::vector<double> sizes;
  std::vector<Row*> far;
  for (const Row& row : rows_) {
    if (!row.held_out) sizes.push_back(std::abs(error(row)));
  }
  const double limit = std::max(0.25, 6 * 1.4826 * median(sizes));
  for (Row& row : rows_) {
    row.weight = 1;
    if (!row.held_out && std::abs(error(row)) > limit) far.push_back(&row);
  }
  // More than a few are no outliers: the model does not fit, and its errors have to tell.
  if (5 * far.size() > sizes.size()) return;
  for (Row* row : far) row->left_out = true;
  try {
    check();
  } catch (const Error&) {
    for (Row* row : far) row->left_out = false;
  }
}

bool Fitting::fit_leak_per_c() {
  // At the same load, since whatever the model lacks of a load comes with its heat.
  std::map<std::tuple<int64_t, std::size_t, double>, std::pair<double, double>> ranges;
  for (const Row& row : rows_) {
    if (row.held_out || row.left_out) continue;
    const double busy = row.idle ? 0 : std::round(4 * row.source->busy) / 4;
    const auto load = std::make_tuple(row.source->khz, row.load_class, busy);
    auto& range = ranges.try_emplace(load, row.celsius(), row.celsius()).first->second;
    range = {std::min(range.first, row.celsius()), std::max(range.second, row.celsius())};
  }
  const bool enough = std::any_of(ranges.begin(), ranges.end(), [](const auto& entry) {
    return entry.second.second - entry.second.first >= kSpreadC;
  });
  if (!has_leak() || !enough) return false;
  const double before = model_.leak_per_c;
  const auto squares = [&](double leak_per_c) {
    model_.leak_per_c = leak_per_c;
    solve();
    return squares_;
  };
  constexpr double kLeast = 0.002, kMost = 0.08;
  double low = kLeast, high = kMost;
  for (int step = 0; step < 60; ++step) {
    const double third = (high - low) / 3;
    if (squares(low + third) < squares(high - third)) {
      high -= third;
    } else {
      low += third;
    }
  }
  squares((low + high) / 2);
  // At an end of the range, or without leakage, the rows do not tell it.
  if (low > 1.01 * kLeast && high < 0.99 * kMost && model_.leak_w_per_v4 > 0) return true;
  squares(before);
  return false;
}

FitErrors Fitting::errors(const std::function<bool(const Row&)>& of) const {
  FitErrors result;
  for (const Row& row : rows_) {
    if (!of(row)) continue;
    ++result.rows;
    result.mean += std::abs(error(row));
    result.worst = std::max(result.worst, std::abs(error(row)));
  }
  if (result.rows > 0) result.mean /= result.rows;
  return result;
}

PowerFit Fitting::run() {
  check();
  leave_outliers_out();
  PowerFit fit;
  fit.leak_per_c_fitted = fit_leak_per_c();
  solve();
  const double least = *std::min_element(independence_.begin(), independence_.end());
  need(least > 1e-4,
       "the rows do not tell clock, cores and leakage apart; measure more frequencies and, at each, other "
       "numbers of busy cores");
  fit.temperatures = rows_.front().source->celsius.has_value();
  fit.model = model_;
  std::vector<double> sorted = cores_;
  std::sort(sorted.begin(), sorted.end());
  const double middle = (sorted[(sorted.size() - 1) / 2] + sorted[sorted.size() / 2]) / 2;
  need(middle > 0,
       "busy cores take no more power than idle ones; look whether the meter sees this processor's rail and "
       "the load ran on it");
  fit.model.core_w_per_ghz_v2 = middle;
  if (options_.whole_board) {
    fit.rest_w = model_.idle_w;
    fit.model.idle_w = 0;
  }
  std::set<int64_t> frequencies;
  std::vector<int> counts(classes_.size());
  for (const Row& row : rows_) {
    frequencies.insert(row.source->khz);
    if (!row.idle) ++counts[row.load_class];
    if (row.left_out) fit.outliers.push_back({row.source->place, error(row)});
  }
  for (std::size_t c = 0; c < classes_.size(); ++c)
    fit.classes.push_back({classes_[c], cores_[c], cores_[c] / middle, counts[c]});
  std::sort(fit.classes.begin(), fit.classes.end(),
            [](const auto& a, const auto& b) { return a.core_w_per_ghz_v2 < b.core_w_per_ghz_v2; });
  fit.all = errors([](const Row&) { return true; });
  fit.fitted = errors([](const Row& row) { return !row.held_out; });
  fit.held_out = errors([](const Row& row) { return row.held_out; });
  for (const int64_t khz : frequencies) {
    FrequencyErrors one{khz, false, errors([&](const Row& row) { return row.source->khz == khz; })};
    one.held_out = std::count(options_.hold_out.begin(), options_.hold_out.end(), khz) > 0;
    fit.frequencies.push_back(one);
  }
  return fit;
}

}  // namespace

bool PowerFit::good() const {
  constexpr double kGood = 0.1;
  return all.mean <= kGood && held_out.mean <= kGood;
}

PowerFit fit_power(const Processor& processor, const Measurements& measurements, const FitOptions& options) {
  return Fitting(processor, measurements, options).run();
}

}  // namespace limber
