// SPDX-License-Identifier: Apache-2.0
// The dynamic policy on a core that it shares with others, in virtual time: it is told nothing about them.
#include <gtest/gtest.h>

#include <functional>
#include <random>

#include "manager/policy.h"

namespace limber {
namespace {

const std::vector<PolicyMember> kMembers = {{"25%", 0.011}, {"50%", 0.0195}, {"75%", 0.0275}, {"100%", 0.036}};
constexpr int64_t kImages = 305, kPart = 13;
constexpr double kDeadline = 33;

// Time slices of `slice` ms go round between our work and `others(now)` busy processes; who wakes up waits up to two
// thirds of a round, sometimes a whole one.
class SharedCore {
 public:
  SharedCore(std::function<int(double)> others, double slice, unsigned seed)
      : others_(std::move(others)), slice_(slice), random_(seed) {}
  double now() const { return now_; }
  void sleep_until(double moment) {
    if (moment <= now_) return;
    now_ = moment;
    std::uniform_real_distribution<double> share(0, 1);
    const double round = others_(now_) * slice_;
    now_ += share(random_) < 0.05 ? round : 0.65 * share(random_) * round;
    left_ = std::uniform_real_distribution<double>(0.2, 1)(random_) * slice_;
  }
  void work(double ms) {
    while (ms > 0) {
      if (left_ <= 0) {
        now_ += others_(now_) * slice_;
        left_ = slice_;
      }
      const double part = std::min(ms, left_);
      ms -= part;
      now_ += part;
      left_ -= part;
    }
  }

 private:
  std::function<int(double)> others_;
  double slice_, now_ = 0, left_ = 0;
  std::mt19937 random_;
};

struct Score {
  int frames = 0, met = 0;
  double member = 0;  // mean index
  double share() const { return static_cast<double>(met) / frames; }
};

Score play(const std::string& name, SharedCore core, int frames, int from = 0) {
  const auto policy = make_policy(name, kMembers);
  Score score;
  for (int f = 0; f < frames; ++f) {
    const double arrival = f * kDeadline, deadline = arrival + kDeadline;
    core.sleep_until(arrival);
    const bool counts = f >= from;
    score.frames += counts;
    if (core.now() >= deadline) continue;
    const double start = core.now();
    double done = 0, sum = 0;
    Decision decision;
    decision.member = -1;
    for (int64_t i = 0; i < kImages && !decision.give_up; i += kPart) {
      const int64_t part = std::min(kPart, kImages - i);
      decision = policy->decide({kImages - i, part, core.now() - start, done, deadline - core.now(), decision.member});
      if (decision.give_up) break;
      const double work = kMembers[static_cast<std::size_t>(decision.member)].image_ms * static_cast<double>(part);
      core.work(work);
      done += work;
      sum += static_cast<double>(decision.member * part);
    }
    const bool met = !decision.give_up && core.now() <= deadline;
    policy->report({core.now() - start, done, met});
    score.met += counts && met;
    if (counts) score.member += sum / static_cast<double>(kImages);
  }
  score.member /= score.frames;
  return score;
}

// The anytime policy: everyone's first exit, then further exits; member is the mean number of these.
Score play_anytime(SharedCore core, int frames) {
  const auto policy = make_policy("anytime", kMembers);
  const double group_ms = (kMembers.back().image_ms - kMembers.front().image_ms) / 3;
  Score score;
  for (int f = 0; f < frames; ++f, ++score.frames) {
    const double arrival = f * kDeadline, deadline = arrival + kDeadline;
    core.sleep_until(arrival);
    if (core.now() >= deadline) continue;
    const double start = core.now();
    const double leave = policy->decide({kImages, kImages, 0, 0, deadline - start, -1, kDeadline}).leave_ms;
    double pause = 0;
    const auto step = [&](double work) {
      const double before = core.now();
      core.work(work);
      pause = std::max(pause, core.now() - before);
    };
    int64_t images = 0;
    for (; images < kImages && core.now() < deadline; ++images) step(kMembers.front().image_ms);
    const bool met = images == kImages && core.now() <= deadline;
    const double answered = core.now() - start;
    int further = 0;
    for (; met && further < 3 * kImages && core.now() < deadline - leave; ++further) step(group_ms);
    policy->report({core.now() - start, 0, met, answered, pause});
    score.met += met;
    score.member += static_cast<double>(further) / kImages;
  }
  score.member /= score.frames;
  return score;
}

// What can be asked of a policy there: 99 % of the deadlines, or what answering with the smallest member alone meets.
double possible(const SharedCore& core, int frames) {
  return std::min(0.99, play("static:25%", core, frames).share() - 0.01);
}

std::function<int(double)> steady(int others) {
  return [others](double) { return others; };
}
std::function<int(double)> switching(int others, double period) {
  return [=](double now) { return static_cast<int>(now / period) % 2 == 0 ? 0 : others; };
}

TEST(PolicyUnderLoad, AloneTheLargestMeetsAll) {
  const Score score = play("dynamic", SharedCore(steady(0), 3, 1), 300);
  EXPECT_EQ(score.met, 300);
  EXPECT_GT(score.member, 2.9);
}

TEST(PolicyUnderLoad, SteadyOthersOfAnyNumberAndSlice) {
  for (const int others : {1, 2, 3, 4, 5, 6}) {
    for (const double slice : {0.7, 1.5, 3.0, 4.0}) {
      for (unsigned seed = 1; seed <= 5; ++seed) {
        const SharedCore core(steady(others), slice, seed);
        EXPECT_GE(play("dynamic", core, 300).share(), possible(core, 300))
            << others << " others, slice " << slice << ", seed " << seed;
      }
    }
  }
}

TEST(PolicyUnderLoad, OthersThatComeAndGo) {
  for (const int others : {1, 2, 3}) {
    for (const double period : {70.0, 250.0, 1000.0, 6600.0}) {
      for (const double slice : {1.5, 3.0, 4.0}) {
        const Score score = play("dynamic", SharedCore(switching(others, period), slice, 3), 1200);
        EXPECT_GE(score.share(), 0.99) << others << " others every " << period << " ms, slice " << slice;
      }
    }
  }
}

TEST(PolicyUnderLoad, WhatIsLeftOfTheCoreIsUsed) {
  const Score dynamic = play("dynamic", SharedCore(steady(3), 3, 1), 300);
  EXPECT_GT(dynamic.member, 0.5);
  EXPECT_LT(play("static:100%", SharedCore(steady(3), 3, 1), 300).share(), 0.1);
  EXPECT_GT(play("dynamic", SharedCore(steady(1), 3, 1), 300).member, dynamic.member + 0.5);
}

TEST(PolicyUnderLoad, AnytimeUsesWhatIsLeft) {
  double before = 3.1;
  for (const int others : {0, 1, 2, 3, 4}) {
    for (const double slice : {1.5, 3.0, 4.0}) {
      const SharedCore core(steady(others), slice, 1);
      const Score score = play_anytime(core, 300);
      EXPECT_GE(score.share(), possible(core, 300)) << others << " others, slice " << slice;
      if (slice == 3) {
        EXPECT_LE(score.member, before) << others;
        before = score.member;
      }
    }
  }
  EXPECT_GT(before, 1);
}

TEST(PolicyUnderLoad, AnytimeLeavesEarlyWhereTheNextFrameNeedsIt) {
  for (const int others : {5, 6, 7}) {
    const SharedCore core(steady(others), 3, 1);
    EXPECT_GE(play_anytime(core, 600).share(), possible(core, 600)) << others;
  }
}

TEST(PolicyUnderLoad, AnOverloadIsNotCarriedIntoTheNextFrames) {
  // Nothing can be done for a second; then there is room for the smallest member, for someone who is not behind.
  const auto others = [](double now) { return now < 1000 ? 20 : 5; };
  const Score score = play("dynamic", SharedCore(others, 1.5, 1), 120, 32);
  EXPECT_GE(score.share(), 0.95);
}

}  // namespace
}  // namespace limber
