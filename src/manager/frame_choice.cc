// SPDX-License-Identifier: Apache-2.0
#include "manager/frame_choice.h"

#include <algorithm>
#include <limits>

namespace limber {
namespace {

constexpr double kSureDeviations = 3;

// An option at a point, for a frame that shall be there in `soft` and must be in `hard`.
struct Trial {
  bool in_time = false;
  double expected_ms = 0, energy_mj = 0, boost_ms = 0;
};

// How sure an option must be in time: so many deviations before each of the two ends.
struct Caution {
  double soft_ms, soft_deviations, hard_deviations;
};

class Trials {
 public:
  Trials(const ManagedOption& option, const ProcessorOffer& offer, double factor, double deviation, double busy_scale)
      : option_(option), offer_(offer), factor_(factor), deviation_(deviation), scale_(busy_scale) {
    fastest_ms_ = ms(offer.highest);
  }

  double fastest_ms() const { return offer_.delay_ms + fastest_ms_; }

  Trial at(std::size_t point, const Caution& caution, double hard_ms) const {
    Trial trial;
    const double alone_ms = ms(point);
    const double boost = std::min(latest_boost(alone_ms, caution.soft_ms, caution.soft_deviations),
                                  latest_boost(alone_ms, hard_ms, caution.hard_deviations));
    if (boost <= 0) return trial;  // not even at the highest point all the way, or just so: no point to begin at
    trial.in_time = true;
    // The usual frame: until the boost at this point, its rest at the highest.
    const double slow = std::min(alone_ms, boost), fast = std::max(0.0, 1 - slow / alone_ms) * fastest_ms_;
    trial.expected_ms = offer_.delay_ms + slow + fast;
    trial.energy_mj = (slow * watts(point) + fast * watts(offer_.highest)) * work_share();
    trial.boost_ms = point < offer_.highest ? offer_.delay_ms + boost : 0;
    return trial;
  }

  double energy_mj(std::size_t point) const { return ms(point) * watts(point) * work_share(); }

 private:
  double ms(std::size_t point) const { return option_.ms[point] * factor_; }
  double work_share() const { return offer_.longer_is_work || factor_ <= 1 ? 1 : 1 / factor_; }
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

class Chooser {
 public:
  Chooser(const ManagedApplication& application, const WorkEstimate& estimate,
          const std::vector<ProcessorOffer>& offers, const FrameNeed& need, double busy_scale)
      : application_(application), estimate_(estimate), offers_(offers), need_(need), busy_scale_(busy_scale) {}

  struct Found {
    Best enough;  // accurate, within the energy cap
    Best dear;    // accurate, above it
    Best any;     // the most accurate
  };
  // Of what is so sure in time.
  Found choose(const Caution& caution) const {
    Found found;
    const bool sure = caution.hard_deviations >= kSureDeviations;
    each([&](const Trials& trials, std::size_t o, double accuracy) {
      const ProcessorOffer& offer = offers_[application_.options[o].processor];
      for (std::size_t point = offer.lowest; point <= offer.highest; ++point) {
        const Trial trial = trials.at(point, caution, need_.hard_ms);
        if (!trial.in_time) continue;
        const FrameChoice choice{o, point, trial.expected_ms, trial.energy_mj, trial.boost_ms, sure};
        const bool within = trial.energy_mj <= need_.energy_mj;
        if (accurate(accuracy))
          (within ? found.enough : found.dear).offer(accuracy, within && need_.prefer_accuracy, choice);
        found.any.offer(accuracy, true, choice);
      }
    });
    return found;
  }

  FrameChoice fastest(bool only_accurate) const {
    FrameChoice best{0, 0, std::numeric_limits<double>::infinity(), 0, 0, false};
    each([&](const Trials& trials, std::size_t o, double accuracy) {
      if ((only_accurate && !accurate(accuracy)) || trials.fastest_ms() >= best.expected_ms) return;
      const std::size_t highest = offers_[application_.options[o].processor].highest;
      best = {o, highest, trials.fastest_ms(), trials.energy_mj(highest), 0, false};
    });
    return best;
  }

 private:
  bool accurate(double accuracy) const { return accuracy >= need_.accuracy - 1e-9; }

  template <typename What>
  void each(What what) const {
    for (std::size_t o = 0; o < application_.options.size(); ++o) {
      const ManagedOption& option = application_.options[o];
      const ProcessorOffer& offer = offers_[option.processor];
      if (option.cores > offer.cores) continue;
      const double deviation = need_.deviation >= 0 ? need_.deviation : estimate_.deviation(o);
      what(Trials(option, offer, estimate_.factor(o) * need_.work, deviation, busy_scale_), o,
           application_.members[static_cast<std::size_t>(option.member)].accuracy);
    }
  }

  const ManagedApplication& application_;
  const WorkEstimate& estimate_;
  const std::vector<ProcessorOffer>& offers_;
  const FrameNeed& need_;
  double busy_scale_;
};

}  // namespace

FrameChoice choose_for_frame(const ManagedApplication& application, const WorkEstimate& estimate,
                             const std::vector<ProcessorOffer>& offers, const FrameNeed& need, double busy_scale) {
  const Chooser chooser(application, estimate, offers, need, busy_scale);
  const Caution usual{std::min(need.soft_ms, need.hard_ms), 1.64, kSureDeviations},
      hard{need.hard_ms, kSureDeviations, kSureDeviations};
  Chooser::Found surely;
  for (const Caution& caution : {usual, hard, Caution{need.hard_ms, 2, 2}, Caution{need.hard_ms, 1, 1}}) {
    const Chooser::Found found = chooser.choose(caution);
    if (found.enough.any) return found.enough.choice;
    if (caution.hard_deviations == hard.hard_deviations) surely = found;
  }
  if (surely.dear.any) return surely.dear.choice;
  // Likelier in time than not: an answer that is accurate enough is what was asked for.
  const FrameChoice accurate = chooser.fastest(true);
  if (accurate.expected_ms <= need.hard_ms) return accurate;
  return surely.any.any ? surely.any.choice : chooser.fastest(false);
}

}  // namespace limber
