// SPDX-License-Identifier: Apache-2.0
// How hard the networks work a core, against what the tables say: learnt from the device's power meters. Layer:
// manager.
#pragma once
#include <cstddef>
#include <vector>

namespace limber {

// Two factors: a processor's idle power (leakage and its temperature), from stretches in which nothing of ours ran
// there; and the busy power, from the others: the same network takes the same activity wherever it runs, so one factor
// serves all CPUs. Meters are slow (means over a quarter of a second are usual), so both sides are compared as means
// over seconds. Plain data, reads no clock.
class PowerEstimate {
 public:
  explicit PowerEstimate(std::size_t processors = 0) : processors_(processors) {}

  // For so long the tables say so much: with nothing to do; and on top of it, for what runs.
  void predict_idle(std::size_t processor, double seconds, double watts);
  void predict_busy(std::size_t processor, double seconds, double watts);
  // A meter that sees this processor alone showed that since the last time; below 0: none did, or somebody else worked
  // there. Forgets what was predicted since then.
  void sense(std::size_t processor, double watts);

  double busy_scale() const { return busy_scale_; }
  double idle_scale(std::size_t processor) const { return processors_.at(processor).idle_scale; }

 private:
  struct Means {
    double seconds = 0, idle_ws = 0, busy_ws = 0;  // since the last sense()
    double idle_w = 0, busy_w = 0, sensed_w = 0;
    int count = 0;
    double idle_scale = 1;
  };
  std::vector<Means> processors_;
  double busy_scale_ = 1;
};

}  // namespace limber
