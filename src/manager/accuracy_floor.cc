// SPDX-License-Identifier: Apache-2.0
#include "manager/accuracy_floor.h"

#include <algorithm>

#include "base/error.h"

namespace limber {
namespace {

// A policy of some of the members; outside, members have their numbers in the whole family.
class Floored : public Policy {
 public:
  Floored(std::unique_ptr<Policy> policy, std::vector<int> members, double floor)
      : policy_(std::move(policy)), members_(std::move(members)), floor_(floor) {}
  const std::string& name() const override { return policy_->name(); }

  Decision decide(const Situation& now) override {
    Situation inside = now;
    const auto found = std::find(members_.begin(), members_.end(), now.previous);
    inside.previous = found == members_.end() ? -1 : static_cast<int>(found - members_.begin());
    Decision decision = policy_->decide(inside);
    if (decision.member == 0 && members_.front() > 0)
      decision.reason += fmt::format("; smaller ones are below the accuracy floor of {:g}", floor_);
    decision.member = members_[static_cast<std::size_t>(decision.member)];
    return decision;
  }
  void report(const FrameOutcome& outcome) override { policy_->report(outcome); }

 private:
  std::unique_ptr<Policy> policy_;
  std::vector<int> members_;  // that may be chosen
  double floor_;
};

}  // namespace

std::vector<int> members_above(const std::vector<PolicyMember>& members, double floor) {
  std::vector<int> above;
  std::string known;
  for (std::size_t m = 0; m < members.size(); ++m) {
    if (members[m].top1 < 0) continue;
    if (members[m].top1 >= floor) above.push_back(static_cast<int>(m));
    known += fmt::format("{}{} {:.4f}", known.empty() ? "" : ", ", members[m].name, members[m].top1);
  }
  if (above.empty()) {
    fail(ErrorCode::kInvalidArgument, "accuracy floor {:g}: no member reaches it; known accuracies: {}", floor,
         known.empty() ? "none" : known);
  }
  return above;
}

std::unique_ptr<Policy> make_policy(const std::string& name, const std::vector<PolicyMember>& members, double floor) {
  if (floor <= 0) return make_policy(name, members);
  const std::vector<int> above = members_above(members, floor);
  if (name == "anytime") {
    fail(ErrorCode::kInvalidArgument,
         "policy anytime: its first answers are of '{}', below the accuracy floor of {:g}; legal: dynamic, dynamic-ofa",
         members.front().name, floor);
  }
  std::vector<PolicyMember> kept;
  for (const int m : above) kept.push_back(members[static_cast<std::size_t>(m)]);
  return std::make_unique<Floored>(make_policy(name, kept), above, floor);
}

}  // namespace limber
