// SPDX-License-Identifier: Apache-2.0
// The arbiter's arithmetic: what an option at an operating point costs, in whole numbers. Layer: manager.
//
// Whole numbers, because sums of them do not depend on their order: costs that are equal compare equal, however they
// were added up, and the next criterion decides. What is beyond a million of its unit counts as a million.
#pragma once
#include <algorithm>
#include <cstdint>

#include "manager/arbiter.h"

namespace limber {

// Compared in this order.
struct ArbiterCost {
  int64_t unmet = 0;   // in 1e-9 of all applications' weights together
  int64_t loss = 0;    // likewise
  int64_t power = 0;   // nanowatts
  int64_t energy = 0;  // nanojoules, of one frame of each application: decides where rates are unknown (0)

  friend bool operator<(const ArbiterCost& a, const ArbiterCost& b) {
    if (a.unmet != b.unmet) return a.unmet < b.unmet;
    if (a.loss != b.loss) return a.loss < b.loss;
    if (a.power != b.power) return a.power < b.power;
    return a.energy < b.energy;
  }
  ArbiterCost& operator+=(const ArbiterCost& b) {
    unmet += b.unmet;
    loss += b.loss;
    power += b.power;
    energy += b.energy;
    return *this;
  }
  ArbiterCost& operator-=(const ArbiterCost& b) {
    unmet -= b.unmet;
    loss -= b.loss;
    power -= b.power;
    energy -= b.energy;
    return *this;
  }
};

class ArbiterArithmetic {
 public:
  static constexpr int64_t kOne = 1'000'000'000;
  static constexpr int64_t kNowhere = 1000 * kOne;  // unmet of an application without an available processor

  explicit ArbiterArithmetic(const ArbiterProblem& problem)
      : problem_(problem), cap_(whole(problem.power_cap_w)), weight_(0) {
    for (const ArbiterApplication& application : problem.applications) weight_ += application.weight;
    if (!(weight_ > 0)) weight_ = 1;
  }

  // Of an option on an available processor, alone.
  ArbiterCost cost(const ArbiterApplication& application, const ArbiterOption& option, std::size_t point) const {
    const ArbiterProcessor& processor = problem_.processors[option.processor];
    double watts = option.busy_w[point];
    if (processor.parked_w >= 0) watts += processor.idle_w[point] - processor.parked_w;
    const double mj = option.mean_ms[point] * watts;
    double unmet = 0;  // a little too late is better than very late
    if (option.ms[point] > application.deadline_ms) unmet += over(option.ms[point] / application.deadline_ms);
    if (mj > application.energy_mj) unmet += over(mj / application.energy_mj);
    if (option.accuracy < application.floor - 1e-9) unmet += 0.5 + application.floor - option.accuracy;
    return {unmet > 0 ? whole(unmet * application.weight / weight_) : 0,
            application.prefer_accuracy ? whole((1 - option.accuracy) * application.weight / weight_) : 0,
            whole(application.rate_hz * 1e-3 * mj + option.change_w), whole(1e-3 * mj)};
  }

  // Of the core time of its processor that may be planned, in 1e-9.
  int64_t share(const ArbiterApplication& application, const ArbiterOption& option, std::size_t point) const {
    return whole(application.rate_hz * 1e-3 * option.mean_ms[point] * option.cores /
                 (problem_.full * problem_.processors[option.processor].cores));
  }

  // Nanowatts of a processor without applications.
  int64_t base(std::size_t processor, std::size_t point) const {
    const ArbiterProcessor& one = problem_.processors[processor];
    return whole(one.parked_w >= 0 ? one.parked_w : one.idle_w[point]);
  }

  // Unmet, of a processor with so much to do. Some shares that are a whole only by rounding up are none too many.
  static int64_t excess(int64_t share) { return share > kOne + 1000 ? kOne + std::min(share - kOne, 10 * kOne) : 0; }

  // Unmet, of so much power in all.
  int64_t above_cap(int64_t power) const {
    if (power <= cap_) return 0;
    return whole(cap_ > 0 ? over(static_cast<double>(power) / static_cast<double>(cap_)) : 11);
  }

  double weights(int64_t unmet_or_loss) const { return 1e-9 * static_cast<double>(unmet_or_loss) * weight_; }

  static int64_t whole(double x) {
    constexpr double kMost = 1e6;
    const double bounded = x < kMost ? std::max(x, -kMost) : kMost;
    return static_cast<int64_t>(1e9 * bounded + (bounded < 0 ? -0.5 : 0.5));
  }

 private:
  static double over(double ratio) { return 1 + std::min(ratio - 1, 10.0); }

  const ArbiterProblem& problem_;
  int64_t cap_;
  double weight_;
};

}  // namespace limber
