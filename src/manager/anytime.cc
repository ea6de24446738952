// SPDX-License-Identifier: Apache-2.0
#include "manager/anytime.h"

#include <algorithm>
#include <cmath>

namespace limber {

double softmax_confidence(std::span<const float> answer, bool probabilities) {
  if (answer.empty()) return 0;
  const float top = *std::max_element(answer.begin(), answer.end());
  if (probabilities) return static_cast<double>(top);
  float sum = 0;
  for (const float value : answer) sum += std::exp(value - top);
  return 1 / static_cast<double>(sum);
}

void AnytimeOrder::start(int64_t images, int exits, double enough) {
  images_ = images;
  first_ = 0;
  exits_ = exits;
  enough_ = enough;
  waiting_.clear();
  waiting_.reserve(static_cast<std::size_t>(images));
}

AnytimeOrder::Step AnytimeOrder::next() const {
  if (first_ < images_) return {first_, 0};
  if (waiting_.empty()) return {-1, 0};
  return {waiting_.front().image, waiting_.front().exit};
}

void AnytimeOrder::published(double confidence) {
  const Step done = next();
  if (done.image < 0) return;
  if (first_ < images_) {
    ++first_;
  } else {
    std::pop_heap(waiting_.begin(), waiting_.end());
    waiting_.pop_back();
  }
  if (done.exit + 1 >= exits_ || confidence >= enough_) return;
  waiting_.push_back({confidence, done.image, done.exit + 1});
  std::push_heap(waiting_.begin(), waiting_.end());
}

}  // namespace limber
