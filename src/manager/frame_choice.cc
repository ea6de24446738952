// SPDX-License-Identifier: Apache-2.0
#include "manager/frame_choice.h"

#include <algorithm>
#include <limits>

namespace limber {
namespace {

constexpr double kSoftDeviations = 1.64, kHardDeviations = 3;

// An option at a point, for a frame that shall be there in `soft` and must be in `hard`.
struct Trial {
  bool in_time = false;
  double expected_ms = 0, energy_mj = 0, boost_ms = 0;
};

class Trials {
 public:
  Trials(const ManagedOption& option, const ProcessorOffer& offer, double factor, double deviation, double busy_scale)
      : option_(option), offer_(offer), factor_(factor), deviation_(deviation), scale_(busy_scale) {
    fastest_ms_ = ms(offer.highest);
  }

  double fastest_ms() const { return offer_.delay_ms + fastest_ms_; }

  Trial at(std::size_t point, double soft_ms, double hard_ms) const {
    Trial trial;
    const double alone_ms = ms(point);
    const double boost =
        std::min(latest_boost(alone_ms, soft_ms, kSoftDeviations), latest_boost(alone_ms, hard_ms, kHardDeviations));
    if (boost < 0) return trial;  // not even at the highest point all the way
    trial.in_time = true;
    // The usual frame: until the boost at this point, its rest at the highest.
    const double slow = std::min(alone_ms, boost), fast = std::max(0.0, 1 - slow / alone_ms) * fastest_ms_;
    trial.expected_ms = offer_.delay_ms + slow + fast;
    trial.energy_mj = slow * watts(point) + fast * watts(offer_.highest);
    trial.boost_ms = point < offer_.highest ? offer_.delay_ms + boost : 0;
    return trial;
  }

  double energy_mj(std::size_t point) const { return ms(point) * watts(point); }

 private:
  double ms(std::size_t point) const { return option_.ms[point] * factor_; }
  double watts(std::size_t point) const { return option_.busy_w[point] * scale_ + offer_.clock_w[point]; }

  // How long the work may go on at a point where the usual frame takes `alone_ms`, so that one that is longer by so
  // many deviations still ends by `end_ms` at the highest point. Below 0: never.
  double latest_boost(double alone_ms, double end_ms, double deviations) const {
    const double work = 1 + deviations * deviation_, left = end_ms - offer_.delay_ms;
    if (alone_ms * work <= left) return alone_ms * work;
    if (work * fastest_ms_ > left || alone_ms <= fastest_ms_) return -1;
    // Changing the clock once more takes its time again.
    const double spare = left - offer_.delay_ms - work * fastest_ms_;
    return spare / (1 - fastest_ms_ / alone_ms);
  }

  const ManagedOption& option_;
  const ProcessorOffer& offer_;
  double factor_, deviation_, scale_, fastest_ms_;
};

struct Best {
  bool any = false;
  double accuracy = 0;
  FrameChoice choice;

  void offer(double a, bool by_accuracy, const FrameChoice& other) {
    const bool better = !any || (by_accuracy && a != accuracy ? a > accuracy : other.energy_mj < choice.energy_mj);
    if (!better) return;
    any = true;
    accuracy = a;
    choice = other;
  }
};

struct Fastest {
  FrameChoice choice{0, 0, std::numeric_limits<double>::infinity(), 0, 0, false};
  void offer(const FrameChoice& other) {
    if (other.expected_ms < choice.expected_ms) choice = other;
  }
};

}  // namespace

FrameChoice choose_for_frame(const ManagedApplication& application, const WorkEstimate& estimate,
                             const std::vector<ProcessorOffer>& offers, const FrameNeed& need, double busy_scale) {
  Fastest fastest, accurate;
  for (const double soft_ms : {std::min(need.soft_ms, need.hard_ms), need.hard_ms}) {
    Best wanted, any;
    for (std::size_t o = 0; o < application.options.size(); ++o) {
      const ManagedOption& option = application.options[o];
      const ProcessorOffer& offer = offers[option.processor];
      if (option.cores > offer.cores) continue;
      const double accuracy = application.members[static_cast<std::size_t>(option.member)].accuracy;
      const double deviation = need.deviation >= 0 ? need.deviation : estimate.deviation(o);
      const Trials trials(option, offer, estimate.factor(o) * need.work, deviation, busy_scale);
      const bool enough = accuracy >= need.accuracy - 1e-9;
      const FrameChoice all_out{o, offer.highest, trials.fastest_ms(), trials.energy_mj(offer.highest), 0, false};
      fastest.offer(all_out);
      if (enough) accurate.offer(all_out);
      for (std::size_t point = offer.lowest; point <= offer.highest; ++point) {
        const Trial trial = trials.at(point, soft_ms, need.hard_ms);
        if (!trial.in_time) continue;
        const FrameChoice choice{o, point, trial.expected_ms, trial.energy_mj, trial.boost_ms, true};
        if (enough && trial.energy_mj <= need.energy_mj) wanted.offer(accuracy, need.prefer_accuracy, choice);
        any.offer(accuracy, true, choice);
      }
    }
    if (wanted.any) return wanted.choice;
    if (soft_ms < need.hard_ms) continue;
    // Likelier in time than not: an answer that is accurate enough is what was asked for.
    if (accurate.choice.expected_ms <= need.hard_ms) return accurate.choice;
    if (any.any) return any.choice;
  }
  return fastest.choice;
}

}  // namespace limber
