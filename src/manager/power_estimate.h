// SPDX-License-Identifier: Apache-2.0
// How far the tables' watts are off, learnt from the device's power meters. Layer: manager.
#pragma once
#include <cstddef>
#include <vector>

namespace limber {

// What a meter shows is a * (idle power of the tables) + b * (busy power of the tables): a is the processor's own (its
// leakage, at its temperature), b is one for all CPUs, since a network works a core as hard wherever it runs. Fading
// least squares of the relative errors, drawn to 1 where the meters say nothing. Meters are slow (means over a quarter
// of a second are usual), so means over some seconds are compared. Plain data, reads no clock.
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
  struct Meter {
    double seconds = 0, idle_ws = 0, busy_ws = 0;  // since the last sense()
    double idle_w = 0, busy_w = 0, sensed_w = 0;   // fading means
    int count = 0;
    double ii = 0, ib = 0, bb = 0, iy = 0, by = 0;  // sums of products, fading
    double idle_scale = 1;
  };
  void solve();

  std::vector<Meter> processors_;
  double busy_scale_ = 1;
};

}  // namespace limber
