// SPDX-License-Identifier: Apache-2.0
// How much longer than its table says an application's work takes, learnt frame by frame. Layer: manager.
#pragma once
#include <cstddef>
#include <vector>

namespace limber {

// Two things are told apart: a table's own error, which stays and belongs to one option (member, processor, cores), and
// what makes everything slower for a while (others on the memory bus or on our cores). The first is a mean over the
// frames seen, the second follows at once when a frame is far outside of what is usual, and slowly otherwise. Plain
// data, reads no clock; the same observations give the same estimate.
class WorkEstimate {
 public:
  explicit WorkEstimate(std::size_t options = 0) : bias_(options, 1), seen_(options, 0) {}

  // A frame of that option took `ratio` times what the table says.
  void observe(std::size_t option, double ratio);

  // Times the table's time: expected, and by how much (standard deviation, as a share of the expected) frames differ.
  double factor(std::size_t option) const { return bias_[option] * slowdown_; }
  double deviation(std::size_t option) const;
  double slowdown() const { return slowdown_; }

 private:
  std::vector<double> bias_;
  std::vector<int> seen_;
  double slowdown_ = 1;
  int known_ = 0;            // frames that the variance is over
  double variance_ = 0.003;  // of ratio / expected
};

}  // namespace limber
