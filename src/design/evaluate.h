// SPDX-License-Identifier: Apache-2.0
// Accuracy: of a member, and of any choice of the design space with statistics calibrated for it. Layer: design.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "design/calibrate_norms.h"
#include "formats/data_set.h"
#include "network/model.h"

namespace limber {

// n images (all if there are fewer) drawn without repetition, the same for the same seed, in their order. Unlike the
// first n they are of every class where a set is sorted by class.
Images drawn_images(const Images& images, int64_t n, uint64_t seed = 1);

struct RightAnswers {
  int64_t right = 0, images = 0;

  double top1() const { return images == 0 ? 0 : static_cast<double>(right) / static_cast<double>(images); }
  bool operator==(const RightAnswers&) const = default;
};

// How many images' largest answer is their label. One session on each core, an image each at a time; cores empty: the
// calling thread alone. The result does not depend on the cores. Fails with kInvalidArgument where images or classes do
// not fit the member.
RightAnswers count_right(const std::shared_ptr<const Model>& model, int member, const Images& images,
                         const std::vector<int>& cores = {},
                         const std::function<void(int64_t done, int64_t all)>& progress = {});

// What a choice is judged by.
struct EvaluationOptions {
  std::vector<int> cores;
  std::string isa;
  int64_t memory = int64_t{1} << 30;  // as CalibrationOptions::memory
};

// Evaluates any choice of one network: statistics over `calibration` (training split), then right answers on `judged`
// (the validation split: never test images while something is chosen by the result). Holds both sets; packs weights in
// private memory for each choice. One thread at a time.
class ChoiceEvaluator {
 public:
  ChoiceEvaluator(Network network, Images calibration, Images judged, EvaluationOptions options = {});

  // The same bits on every call. Fails with kInvalidArgument on an illegal choice. A network without norms is judged as
  // it is.
  RightAnswers operator()(const Choice& choice) const;

  const Network& network() const { return network_; }
  const Images& calibration() const { return calibration_; }
  const Images& judged() const { return judged_; }

 private:
  Network network_;
  Images calibration_, judged_;
  EvaluationOptions options_;
};

}  // namespace limber
