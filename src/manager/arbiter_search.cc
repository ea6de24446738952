// SPDX-License-Identifier: Apache-2.0
#include "manager/arbiter_search.h"

namespace limber {
namespace {

constexpr int64_t kGathering = 100'000;        // points looked at to find combinations worth trying
constexpr std::size_t kCombinations = 20'000;  // that are kept
constexpr int64_t kSteps = 40'000;             // of branch and bound, all combinations together
constexpr int64_t kStepsOfOne = 4'000;         // of one combination

}  // namespace

ArbiterSearch::ArbiterSearch(const ArbiterTables& tables)
    : tables_(tables), fit_(tables), applications_(tables.served().size()), processors_(tables.processors()) {
  best_.cost = ArbiterTables::kNever;
  best_from_.resize((processors_ + 1) * applications_, ArbiterTables::kNever);
  best_before_.resize((processors_ + 1) * applications_, ArbiterTables::kNever);
  base_from_.resize(processors_ + 1, 0);
  for (std::size_t p = processors_; p-- > 0;) {
    ArbiterCost* const best = &best_from_[p * applications_];
    std::copy_n(best + applications_, applications_, best);
    int64_t base = std::numeric_limits<int64_t>::max();
    for (std::size_t point = tables.lowest(p); point <= tables.highest(p); ++point) {
      base = std::min(base, tables.base(p, point));
      for (std::size_t a = 0; a < applications_; ++a) best[a] = std::min(best[a], tables.best(p, point)[a]);
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

// What these points cost at least: every application its best option, as if it were alone.
ArbiterCost ArbiterSearch::bound(const std::vector<std::size_t>& points) {
  ArbiterCost sum;
  for (std::size_t p = 0; p < processors_; ++p) sum.power += tables_.base(p, points[p]);
  for (std::size_t a = 0; a < applications_; ++a) {
    ArbiterCost least = tables_.best(0, points[0])[a];
    for (std::size_t p = 1; p < processors_; ++p) least = std::min(least, tables_.best(p, points[p])[a]);
    sum += least;
  }
  return sum;
}

void ArbiterSearch::consider(const std::vector<std::size_t>& points) {
  if (bound(points) < best_.cost && fit_.quick(points, &best_)) best_points_ = points;
}

// One processor after the other to its best point, until nothing changes.
void ArbiterSearch::climb(std::vector<std::size_t> points) {
  consider(points);
  for (ArbiterCost before = ArbiterTables::kNever; best_.cost < before;) {
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
  const ArbiterCost* const before = &best_before_[processor * applications_];
  ArbiterCost* const after = &best_before_[(processor + 1) * applications_];
  const ArbiterCost* const rest = &best_from_[(processor + 1) * applications_];
  const bool last = processor + 1 == processors_;
  for (std::size_t point = tables_.lowest(processor); point <= tables_.highest(processor); ++point) {
    if (--gathering_ < 0 || combinations_.size() == kCombinations) return;
    const ArbiterCost* const here = tables_.best(processor, point);
    const int64_t base_here = base + tables_.base(processor, point);
    ArbiterCost sum;
    sum.power = base_here + base_from_[processor + 1];
    for (std::size_t a = 0; a < applications_; ++a) {
      after[a] = here[a] < before[a] ? here[a] : before[a];
      sum += rest[a] < after[a] ? rest[a] : after[a];
    }
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
    steps += here - 1;
    std::pop_heap(combinations_.begin(), combinations_.end(), later);
    combinations_.pop_back();
  }
}

}  // namespace limber
