// SPDX-License-Identifier: Apache-2.0
#include "manager/policy.h"

#include <algorithm>

#include "base/error.h"
#include "manager/slowdown.h"

namespace limber {

namespace {

constexpr double kEnough = 0.99;       // probability of meeting the deadline that a member needs
constexpr int kFramesBeforeUp = 3;     // frames in a row that would have allowed a larger member
constexpr double kTrustAfterMs = 0.5;  // profiled work after which a frame's own progress is believed

class StaticPolicy : public Policy {
 public:
  StaticPolicy(std::string name, int member) : name_(std::move(name)), member_(member) {}
  const std::string& name() const override { return name_; }
  Decision decide(const Situation&) override { return {member_, false, "fixed member"}; }
  void report(const Outcome&) override {}

 private:
  std::string name_;
  int member_;
};

class AnytimePolicy : public Policy {
 public:
  explicit AnytimePolicy(int largest) : largest_(largest) {}
  const std::string& name() const override { return name_; }
  Decision decide(const Situation&) override { return {largest_, true, "best answer published by the deadline"}; }
  void report(const Outcome&) override {}

 private:
  std::string name_ = "anytime";
  int largest_;
};

class DynamicPolicy : public Policy {
 public:
  explicit DynamicPolicy(std::vector<PolicyMember> members)
      : members_(std::move(members)), level_(static_cast<int>(members_.size()) - 1) {}
  const std::string& name() const override { return name_; }

  Decision decide(const Situation& now) override {
    Slowdown belief = slowdown_;
    // Work that is already slower than expected counts at once; a quick start does not: the others' time slices are
    // still to come.
    if (now.done_profiled_ms >= kTrustAfterMs && now.elapsed_ms > belief.mean() * now.done_profiled_ms)
      belief.observe(now.elapsed_ms, now.done_profiled_ms);
    int best = 0;
    double probability = 0;
    for (int m = static_cast<int>(members_.size()) - 1; m >= 0; --m) {
      probability = belief.probability(work(m, now), now.left_ms);
      best = m;
      if (probability >= kEnough) break;
    }
    const double slow = belief.mean();
    if (now.previous < 0) {
      waited_ = best > level_ ? waited_ + 1 : 0;
      if (best > level_ && waited_ < kFramesBeforeUp)
        return {level_, false,
                fmt::format("slowdown {:.2f}: {} would do, frame {} of {} before going up", slow,
                            members_[at(best)].name, waited_, kFramesBeforeUp)};
      waited_ = 0;
      level_ = best;
    } else {
      best = std::min(best, now.previous);
      level_ = std::min(level_, best);
      if (best < now.previous)
        return {best, false, fmt::format("late inside the frame, slowdown {:.2f}: down for the rest", slow)};
    }
    if (best == 0 && probability < kEnough)
      return {0, false, fmt::format("slowdown {:.2f}: no member meets the deadline surely, smallest", slow)};
    return {best, false, fmt::format("slowdown {:.2f}, meets the deadline with {:.3f}", slow, probability)};
  }

  void report(const Outcome& outcome) override { slowdown_.observe(outcome.elapsed_ms, outcome.profiled_ms); }

 private:
  static size_t at(int m) { return static_cast<size_t>(m); }
  double work(int m, const Situation& now) const {
    return members_[at(m)].image_ms * static_cast<double>(now.images_left);
  }

  std::string name_ = "dynamic";
  std::vector<PolicyMember> members_;
  Slowdown slowdown_;
  int level_;
  int waited_ = 0;
};

}  // namespace

std::unique_ptr<Policy> make_policy(const std::string& name, const std::vector<PolicyMember>& members) {
  if (members.empty()) fail(ErrorCode::kInvalidArgument, "policy '{}': the profile has no member", name);
  std::string legal;
  for (size_t m = 0; m < members.size(); ++m) {
    if (name == "static:" + members[m].name) return std::make_unique<StaticPolicy>(name, static_cast<int>(m));
    legal += "static:" + members[m].name + ", ";
  }
  if (name == "dynamic") return std::make_unique<DynamicPolicy>(members);
  if (name == "anytime") return std::make_unique<AnytimePolicy>(static_cast<int>(members.size()) - 1);
  fail(ErrorCode::kInvalidArgument, "unknown policy '{}'; legal: {}dynamic, anytime", name, legal);
}

}  // namespace limber
