// SPDX-License-Identifier: Apache-2.0
#include "manager/arbiter_search.h"

namespace limber {
namespace {

constexpr int64_t kGathering = 100'000;        // points looked at to find combinations worth trying
constexpr std::size_t kCombinations = 20'000;  // that are kept
constexpr int64_t kSteps = 25'000;             // of branch and bound, all combinations together
constexpr int64_t kStepsOfOne = 4'000;         // of one combination

}  // namespace

ArbiterSearch::ArbiterSearch(const ArbiterTables& tables)
    : tables_(tables), fit_(tables), applications_(tables.served().size()), processors_(tables.processors()) {
  best_.cost = ArbiterLeast().cost;
  least_from_.resize((processors_ + 1) * applications_);
  least_before_.resize((processors_ + 1) * applications_);
  base_from_.resize(processors_ + 1, 0);
  for (std::size_t p = processors_; p-- > 0;) {
    ArbiterLeast* const least = least_from_.data() + p * applications_;
    std::copy_n(least + applications_, applications_, least);
    int64_t base = std::numeric_limits<int64_t>::max();
    for (std::size_t point = tables.lowest(p); point <= tables.highest(p); ++point) {
      base = std::min(base, tables.base(p, point));
      for (std::size_t a = 0; a < applications_; ++a) least[a] &= tables.least(p, point)[a];
    }
    base_from_[p] = base_from_[p + 1] + base;
  }
}

ArbiterSearch::Result ArbiterSearch::run() {
  for (std::size_t p = 0; p < processors_; ++p) points_.push_back(tables_.highest(p));
  climb(points_);
  for (std::size_t p = 0; p < processors_; ++p) points_[p] = tables_.lowest(p);
  climb(points_);
  gathering_ = kGathering;
  gather(0, 0);
  try_gathered();
  return {std::move(best_points_), std::move(best_.choices)};
}

void ArbiterSearch::consider(const std::vector<std::size_t>& points) {
  if (fit_.quick(points, &best_)) best_points_ = points;
}

// One processor after the other to its best point, until nothing changes.
void ArbiterSearch::climb(std::vector<std::size_t> points) {
  consider(points);
  for (ArbiterCost before = ArbiterLeast().cost; best_.cost < before;) {
    before = best_.cost;
    for (std::size_t p = 0; p < processors_; ++p) {
      points = best_points_;
      for (std::size_t point = tables_.lowest(p); point <= tables_.highest(p); ++point) {
        points[p] = point;
        consider(points);
      }
    }
  }
}

// The combinations that may be better than the best known.
void ArbiterSearch::gather(std::size_t processor, int64_t base) {
  const ArbiterLeast* const before = least_before_.data() + processor * applications_;
  ArbiterLeast* const after = least_before_.data() + (processor + 1) * applications_;
  const ArbiterLeast* const rest = least_from_.data() + (processor + 1) * applications_;
  const bool last = processor + 1 == processors_;
  for (std::size_t point = tables_.lowest(processor); point <= tables_.highest(processor); ++point) {
    if (--gathering_ < 0 || combinations_.size() == kCombinations) return;
    const ArbiterLeast* const here = tables_.least(processor, point);
    const int64_t base_here = base + tables_.base(processor, point);
    ArbiterCost sum;
    int64_t power = base_here + base_from_[processor + 1];
    sum.power = power;
    for (std::size_t a = 0; a < applications_; ++a) {
      after[a] = before[a];
      after[a] &= here[a];
      sum += rest[a].cost < after[a].cost ? rest[a].cost : after[a].cost;
      power += std::min(rest[a].power, after[a].power);
    }
    sum.unmet += tables_.arithmetic().above_cap(power);
    if (!(sum < best_.cost)) continue;
    points_[processor] = point;
    if (!last) {
      gather(processor + 1, base_here);
      continue;
    }
    combinations_.push_back({sum, combination_points_.size()});
    for (const std::size_t one : points_) combination_points_.push_back(static_cast<uint32_t>(one));
  }
}

void ArbiterSearch::try_gathered() {
  const auto later = [](const Combination& x, const Combination& y) { return y.least < x.least; };
  std::make_heap(combinations_.begin(), combinations_.end(), later);
  int64_t steps = kSteps;
  while (steps > 0 && !combinations_.empty() && combinations_.front().least < best_.cost) {
    std::copy_n(combination_points_.begin() + static_cast<std::ptrdiff_t>(combinations_.front().index), processors_,
                points_.begin());
    int64_t here = std::min(steps, kStepsOfOne);
    steps -= here;
    if (fit_.thorough(points_, &best_, &here)) best_points_ = points_;
    steps += here;
    std::pop_heap(combinations_.begin(), combinations_.end(), later);
    combinations_.pop_back();
  }
}

}  // namespace limber
