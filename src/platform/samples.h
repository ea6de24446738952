// SPDX-License-Identifier: Apache-2.0
// Measured times, those in which the core did something else kept apart. Layer: platform.
#pragma once
#include <cmath>
#include <cstdint>
#include <vector>

#include "platform/clock.h"

namespace limber {

struct Timed {
  double ms = 0;
  bool calm = true;  // the system did not give the core to someone else in between
};

// Clock around one piece of work. What tells calm from disturbed is asked for outside the time that is measured.
class Stopwatch {
 public:
  Stopwatch() : preemptions_(preemptions()), begin_(now_ns()) {}
  Timed stop() const {
    const int64_t ns = now_ns() - begin_;
    return {static_cast<double>(ns) * 1e-6, preemptions() == preemptions_};
  }

 private:
  int64_t preemptions_, begin_;
};

// Times of one thing. A busy machine adds whole time slices (milliseconds) to some of them; these say nothing about
// what is measured, so they are counted and left out, unless there is hardly anything else.
class Samples {
 public:
  static constexpr std::size_t kEnough = 5;

  void add(const Timed& timed) { (timed.calm ? calm_ : disturbed_).push_back(timed.ms); }
  std::size_t size() const { return calm_.size() + disturbed_.size(); }
  std::size_t left_out() const { return calm_.size() < kEnough ? 0 : disturbed_.size(); }
  // Hardly anything was calm: values() holds time that others took.
  bool unreliable() const { return calm_.size() < kEnough && !disturbed_.empty(); }
  const std::vector<double>& calm() const { return calm_; }
  std::vector<double> values() const {
    std::vector<double> all = calm_;
    if (calm_.size() < kEnough) all.insert(all.end(), disturbed_.begin(), disturbed_.end());
    return all;
  }

 private:
  std::vector<double> calm_, disturbed_;
};

}  // namespace limber
