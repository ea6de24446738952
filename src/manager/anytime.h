// SPDX-License-Identifier: Apache-2.0
// Anytime inference over a burst of images: which image gets the next exit. Layer: manager.
#pragma once
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace limber {

// Softmax confidence of an answer: the largest probability. `probabilities`: the answer is a softmax's output already,
// else logits. 0 for an empty answer. Some 100 ns for 10 classes.
double softmax_confidence(std::span<const float> answer, bool probabilities);

// First every image gets its first exit, in order; from then on the image whose last answer is least sure goes next, so
// that whatever time there is goes where another group changes most. An image is finished after its last exit, or once
// it is at least as sure as `enough`. Plain data, reads no clock; nothing allocates after the first start(); O(log
// images) a step.
class AnytimeOrder {
 public:
  struct Step {
    int64_t image = -1;  // -1: all finished
    int exit = 0;
  };

  void start(int64_t images, int exits, double enough = 2);  // above 1: never sure enough
  Step next() const;
  void published(double confidence);                       // of the step that next() names
  bool all_answered() const { return first_ == images_; }  // every image has its first answer

 private:
  struct Waiting {
    double confidence;
    int64_t image;
    int exit;  // to run
    // std's heaps keep the largest in front: least sure first, ties in the order of the images.
    bool operator<(const Waiting& other) const {
      return std::pair(confidence, image) > std::pair(other.confidence, other.image);
    }
  };

  int64_t images_ = 0, first_ = 0;
  int exits_ = 0;
  double enough_ = 2;
  std::vector<Waiting> waiting_;  // a heap
};

}  // namespace limber
