// SPDX-License-Identifier: Apache-2.0
#include "manager/arbiter_fit.h"

namespace limber {
namespace {

constexpr int64_t kStepsToPrepare = 30;  // takes as long

}  // namespace

ArbiterFit::ArbiterFit(const ArbiterTables& tables)
    : tables_(tables),
      applications_(tables.served().size()),
      least_after_(tables.served().size() + 1),
      least_power_after_(tables.served().size() + 1),
      used_(tables.processors()) {
  // The more core time an application takes, the fewer places there are for it.
  std::vector<std::pair<int64_t, std::size_t>> order;
  for (std::size_t a = 0; a < applications_.size(); ++a) {
    int64_t least = std::numeric_limits<int64_t>::max();
    for (std::size_t p = 0; p < tables.processors(); ++p) {
      for (const ArbiterChoice& choice : tables.choices(a, p, tables.highest(p))) least = std::min(least, choice.share);
    }
    order.emplace_back(-least, a);
  }
  std::sort(order.begin(), order.end());
  for (std::size_t i = 0; i < order.size(); ++i) applications_[i].index = order[i].second;
}

// Whether a processor has room for what can only be there. Counts it in used_, until all applications are prepared.
bool ArbiterFit::has_room(const Application& application) {
  const uint32_t processor = merged_[application.begin]->processor;
  int64_t least = std::numeric_limits<int64_t>::max();
  for (std::size_t c = application.begin; c < application.end; ++c) {
    if (merged_[c]->processor != processor) return true;
    least = std::min(least, merged_[c]->share);
  }
  used_[processor] += least;
  return ArbiterArithmetic::excess(used_[processor]) == 0;
}

// False: nothing at these points is better than the best.
bool ArbiterFit::prepare(const std::vector<std::size_t>& points) {
  sum_ = {};
  for (std::size_t p = 0; p < points.size(); ++p) sum_.power += tables_.base(p, points[p]);
  std::fill(used_.begin(), used_.end(), 0);
  bound_ = sum_;
  int64_t power = sum_.power;
  for (Application& application : applications_) {
    application.least = {};
    for (std::size_t p = 0; p < points.size(); ++p) application.least &= tables_.least(p, points[p])[application.index];
    bound_ += application.least.cost;
    power += application.least.power;
  }
  // Would whatever exceeds the cap, or a processor, be worse than the best?
  const bool keep_cap = best_->cost.unmet < bound_.unmet + ArbiterArithmetic::kOne;
  bound_.unmet += tables_.arithmetic().above_cap(power);
  const bool keep_processors = best_->cost.unmet < bound_.unmet + ArbiterArithmetic::kOne;
  if (!(bound_ < best_->cost)) return false;
  merged_.clear();
  for (Application& application : applications_) {
    application.begin = merged_.size();
    // What may be spent on it, if all others get what is best for them.
    ArbiterCost most = best_->cost;
    most -= bound_;
    most += application.least.cost;
    const int64_t others = power - application.least.power;
    for (std::size_t p = 0; p < points.size(); ++p) {
      for (const ArbiterChoice& choice : tables_.choices(application.index, p, points[p])) {
        if (!(choice.cost < most)) break;
        if ((keep_processors && ArbiterArithmetic::excess(choice.share) > 0) ||
            (keep_cap && tables_.arithmetic().above_cap(others + choice.cost.power) > 0))
          continue;
        std::size_t at = merged_.size();
        merged_.push_back(&choice);
        for (; at > application.begin && choice.cost < merged_[at - 1]->cost; --at) merged_[at] = merged_[at - 1];
        merged_[at] = &choice;
      }
    }
    application.end = merged_.size();
    if (application.begin == application.end) return false;
    if (keep_processors && !has_room(application)) return false;
  }
  for (std::size_t i = applications_.size(); i-- > 0;) {
    const Application& application = applications_[i];
    int64_t least = std::numeric_limits<int64_t>::max();
    for (std::size_t c = application.begin; c < application.end; ++c) least = std::min(least, merged_[c]->cost.power);
    least_power_after_[i] = least_power_after_[i + 1] + least;
    least_after_[i] = least_after_[i + 1];
    least_after_[i] += merged_[application.begin]->cost;
  }
  std::fill(used_.begin(), used_.end(), 0);
  return true;
}

void ArbiterFit::take(const ArbiterChoice& choice) {
  int64_t& used = used_[choice.processor];
  sum_.unmet -= ArbiterArithmetic::excess(used);
  used += choice.share;
  sum_.unmet += ArbiterArithmetic::excess(used);
  sum_ += choice.cost;
}

void ArbiterFit::put_back(const ArbiterChoice& choice) {
  int64_t& used = used_[choice.processor];
  sum_.unmet -= ArbiterArithmetic::excess(used);
  used -= choice.share;
  sum_.unmet += ArbiterArithmetic::excess(used);
  sum_ -= choice.cost;
}

// The sum if this were taken, too.
ArbiterCost ArbiterFit::with(const ArbiterChoice& choice) const {
  ArbiterCost cost = sum_;
  cost += choice.cost;
  const int64_t used = used_[choice.processor];
  cost.unmet += ArbiterArithmetic::excess(used + choice.share) - ArbiterArithmetic::excess(used);
  return cost;
}

bool ArbiterFit::quick(const std::vector<std::size_t>& points, Result* best) {
  best_ = best;
  better_ = false;
  if (!prepare(points)) return false;
  for (Application& application : applications_) {
    ArbiterCost least = ArbiterLeast().cost;
    for (std::size_t c = application.begin; c < application.end; ++c) {
      const ArbiterCost cost = with(*merged_[c]);
      if (!(cost < least)) continue;
      least = cost;
      application.now = merged_[c];
    }
    take(*application.now);
  }
  if (bound_ < sum_ || tables_.arithmetic().above_cap(sum_.power) > 0) improve();
  ArbiterCost cost = sum_;
  cost.unmet += tables_.arithmetic().above_cap(cost.power);
  if (cost < best->cost) keep(cost);
  return better_;
}

void ArbiterFit::improve() {
  ArbiterCost now = sum_;
  now.unmet += tables_.arithmetic().above_cap(now.power);
  for (;;) {
    ArbiterCost best = now;
    Application* changed = nullptr;
    const ArbiterChoice* to = nullptr;
    for (Application& application : applications_) {
      put_back(*application.now);
      for (std::size_t c = application.begin; c < application.end; ++c) {
        ArbiterCost cost = with(*merged_[c]);
        cost.unmet += tables_.arithmetic().above_cap(cost.power);
        if (!(cost < best)) continue;
        best = cost;
        changed = &application;
        to = merged_[c];
      }
      take(*application.now);
    }
    if (changed == nullptr) return;
    put_back(*changed->now);
    take(*to);
    changed->now = to;
    now = best;
  }
}

bool ArbiterFit::thorough(const std::vector<std::size_t>& points, Result* best, int64_t* steps) {
  best_ = best;
  better_ = false;
  steps_ = *steps - kStepsToPrepare;
  if (prepare(points)) descend(0);
  *steps = steps_;
  const bool found = better_;
  return (steps_ <= 0 && quick(points, best)) || found;
}

void ArbiterFit::descend(std::size_t depth) {
  if (depth == applications_.size()) {
    ArbiterCost cost = sum_;
    cost.unmet += tables_.arithmetic().above_cap(cost.power);
    if (cost < best_->cost) keep(cost);
    return;
  }
  Application& application = applications_[depth];
  for (std::size_t c = application.begin; c < application.end && steps_ > 0; ++c) {
    const ArbiterChoice& choice = *merged_[c];
    --steps_;
    ArbiterCost alone = sum_;
    alone += choice.cost;
    alone += least_after_[depth + 1];
    if (!(alone < best_->cost)) break;  // and the later ones cost more
    ArbiterCost least = with(choice);
    least += least_after_[depth + 1];
    const int64_t power = sum_.power + choice.cost.power + least_power_after_[depth + 1];
    least.unmet += tables_.arithmetic().above_cap(power);
    if (!(least < best_->cost)) continue;
    application.now = &choice;
    take(choice);
    descend(depth + 1);
    put_back(choice);
  }
}

void ArbiterFit::keep(const ArbiterCost& cost) {
  better_ = true;
  best_->cost = cost;
  best_->choices.resize(applications_.size());
  for (const Application& application : applications_) best_->choices[application.index] = application.now;
}

}  // namespace limber
