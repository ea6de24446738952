// SPDX-License-Identifier: Apache-2.0
#include "manager/dynamic_ofa.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <numeric>

namespace limber {
namespace {

constexpr int kIgnored = 20;
constexpr std::size_t kWindow = 20;
constexpr double kOutlier = 1.5;  // of the constraint
constexpr double kGuard = 0.9;    // of the constraint, before a level that was just left is tried again

class DynamicOfa : public Policy {
 public:
  explicit DynamicOfa(std::vector<PolicyMember> members)
      : members_(std::move(members)), level_(static_cast<int>(members_.size()) - 1) {}
  const std::string& name() const override { return name_; }

  Decision decide(const Situation& now) override {
    // A frame that begins in time has all of its deadline before it.
    constraint_ms_ = std::max(constraint_ms_, now.left_ms + now.elapsed_ms);
    return {level_, false, false, reason_};
  }

  void report(const FrameOutcome& outcome) override {
    if (++seen_ <= kIgnored || outcome.elapsed_ms >= kOutlier * constraint_ms_) return;
    recent_.push_back(outcome.elapsed_ms);
    if (recent_.size() > kWindow) recent_.pop_front();
    if (recent_.size() < kWindow) return;
    const double mean = std::accumulate(recent_.begin(), recent_.end(), 0.0) / static_cast<double>(kWindow);
    reason_ = fmt::format("mean of {} is {:.2f} of {:.2f} ms", kWindow, mean, constraint_ms_);
    if (mean > constraint_ms_) {
      if (level_ > 0) {
        switch_to(level_ - 1, "down");
      } else {
        reason_ += ": no smaller level, best effort";
      }
    } else if (level_ + 1 < static_cast<int>(members_.size())) {
      const double grown = mean * image_ms(level_ + 1) / image_ms(level_);
      const bool was_left = std::find(left_.begin(), left_.end(), level_ + 1) != left_.end();
      if (grown <= constraint_ms_ * (was_left ? kGuard : 1)) switch_to(level_ + 1, "up");
    }
  }

 private:
  double image_ms(int level) const { return members_[static_cast<std::size_t>(level)].image_ms; }

  void switch_to(int level, const char* where) {
    reason_ += fmt::format(": {} to {}", where, members_[static_cast<std::size_t>(level)].name);
    left_.push_back(level_);
    if (left_.size() > 2) left_.pop_front();
    level_ = level;
    seen_ = 0;
    recent_.clear();
  }

  std::string name_ = "dynamic-ofa", reason_ = "not measured yet";
  std::vector<PolicyMember> members_;
  int level_, seen_ = 0;
  double constraint_ms_ = 0;
  std::deque<double> recent_;
  std::deque<int> left_;  // the last two levels that were left
};

}  // namespace

std::unique_ptr<Policy> make_dynamic_ofa(std::vector<PolicyMember> members) {
  return std::make_unique<DynamicOfa>(std::move(members));
}

}  // namespace limber
