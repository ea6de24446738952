// SPDX-License-Identifier: Apache-2.0
#include "manager/policy.h"

#include <algorithm>

#include "base/error.h"
#include "manager/dynamic_ofa.h"
#include "manager/slowdown.h"
#include "manager/supply.h"

namespace limber {

namespace {

constexpr double kDeviations = 2.33;   // a member needs to meet the deadline with a probability of 99 %
constexpr double kForgetPause = 0.9;   // a frame
constexpr double kForgetFirst = 0.95;  // a frame
constexpr double kRoom = 1.1;          // to spare, of what the next frame's first answers may take
constexpr int kFramesBeforeUp = 3;     // frames in a row that would have allowed a larger member
constexpr double kSurprise = 1.5;      // times slower than anything lately: others have come, how many is not known
constexpr double kCaution = 3;         // times slower yet it may become then
constexpr double kTrustAfterMs = 0.5;  // profiled work after which a frame's own progress is believed

class StaticPolicy : public Policy {
 public:
  StaticPolicy(std::string name, int member) : name_(std::move(name)), member_(member) {}
  const std::string& name() const override { return name_; }
  Decision decide(const Situation&) override { return {member_, false, false, "fixed member"}; }
  void report(const FrameOutcome&) override {}

 private:
  std::string name_;
  int member_;
};

class AnytimePolicy : public Policy {
 public:
  explicit AnytimePolicy(int largest) : largest_(largest) {}
  const std::string& name() const override { return name_; }

  Decision decide(const Situation& now) override {
    // Others may begin a turn just as this frame ends; then come the next frame's first answers, with turns between.
    const double next = kRoom * (pause_ms_ + answered_ms_);
    const double leave = now.period_ms > 0 ? std::clamp(next - now.period_ms, 0.0, now.period_ms) : 0;
    return {largest_, true, false, "best answer published by the deadline", leave};
  }

  void report(const FrameOutcome& outcome) override {
    answered_ms_ = std::max(kForgetFirst * answered_ms_, outcome.answered_ms);
    pause_ms_ = std::max(kForgetPause * pause_ms_, outcome.pause_ms);
  }

 private:
  std::string name_ = "anytime";
  int largest_;
  double answered_ms_ = 0, pause_ms_ = 0;  // the longest lately
};

class DynamicPolicy : public Policy {
 public:
  explicit DynamicPolicy(std::vector<PolicyMember> members)
      : members_(std::move(members)), level_(static_cast<int>(members_.size()) - 1) {}
  const std::string& name() const override { return name_; }

  Decision decide(const Situation& now) override {
    watch(now);
    if (now.previous >= 0 && now.left_ms <= 0)
      return {now.previous, false, true, "given up: the deadline passed inside the frame"};
    Slowdown belief = slowdown_;
    double budget = supply_.sure_work(now.elapsed_ms, now.done_profiled_ms, now.left_ms);
    // Work that is already slower than expected counts at once; a quick start does not: the others' turns are still to
    // come.
    if (now.done_profiled_ms >= kTrustAfterMs && now.elapsed_ms > belief.mean() * now.done_profiled_ms) {
      const double slowdown = now.elapsed_ms / now.done_profiled_ms;
      if (slowdown > kSurprise * std::max(belief.mean(), supply_.slowdown()))
        budget = std::min(budget, now.left_ms / (kCaution * slowdown));
      belief.observe(now.elapsed_ms, now.done_profiled_ms);
    }
    budget = std::min(budget, belief.work_within(now.left_ms, kDeviations));
    int best = static_cast<int>(members_.size()) - 1;
    while (best > 0 && work(best, now) > budget) --best;
    const double probability = belief.probability(work(best, now), now.left_ms), slow = belief.mean();
    if (now.previous < 0) {
      waited_ = best > level_ ? waited_ + 1 : 0;
      if (best > level_ && waited_ < kFramesBeforeUp)
        return {level_, false, false,
                fmt::format("slowdown {:.2f}: {} would do, frame {} of {} before going up", slow,
                            members_[at(best)].name, waited_, kFramesBeforeUp)};
      waited_ = 0;
      level_ = best;
    }
    best = std::min(best, level_);
    if (best == 0 && work(0, now) > budget)
      return {0, false, false, fmt::format("slowdown {:.2f}: no member meets the deadline surely, smallest", slow)};
    if (best + 1 < level_)
      return {best, false, false, fmt::format("late inside the frame, slowdown {:.2f}: down", slow)};
    if (best < level_) return {best, false, false, fmt::format("slowdown {:.2f}: down for the frame's rest", slow)};
    return {best, false, false, fmt::format("slowdown {:.2f}, meets the deadline with {:.3f}", slow, probability)};
  }

  void report(const FrameOutcome& outcome) override {
    slowdown_.observe(outcome.elapsed_ms, outcome.profiled_ms);
    supply_.observe(outcome.elapsed_ms, outcome.profiled_ms);
  }

 private:
  static size_t at(int m) { return static_cast<size_t>(m); }

  // Profiled time of the frame's rest with this part at member m and what follows at the next smaller one.
  double work(int m, const Situation& now) const {
    const double part = static_cast<double>(std::min(now.images_part, now.images_left));
    return members_[at(m)].image_ms * part +
           members_[at(std::max(0, m - 1))].image_ms * (static_cast<double>(now.images_left) - part);
  }

  void watch(const Situation& now) {
    if (now.previous >= 0) {
      const double work = now.done_profiled_ms - seen_.done_profiled_ms;
      supply_.watch(now.elapsed_ms - seen_.elapsed_ms - work, work);
    }
    seen_ = now;
  }

  std::string name_ = "dynamic";
  std::vector<PolicyMember> members_;
  Slowdown slowdown_;
  Supply supply_;
  Situation seen_;
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
  if (name == "dynamic-ofa") return make_dynamic_ofa(members);
  if (name == "anytime") return std::make_unique<AnytimePolicy>(static_cast<int>(members.size()) - 1);
  fail(ErrorCode::kInvalidArgument, "unknown policy '{}'; legal: {}dynamic, dynamic-ofa, anytime", name, legal);
}

}  // namespace limber
