// SPDX-License-Identifier: Apache-2.0
// Once-for-all's published accuracy predictor for OFA-MobileNetV3 (Cai et al., ICLR 2020). Layer: design.
#pragma once
#include <array>
#include <string>
#include <vector>

#include "design/published/ofa_choice.h"

namespace limber {

// A perceptron 128-400-400-400-1 with ReLU. What it says is a prediction of ImageNet top-1, fitted on held-out training
// images: 4.5 to 5.8 points above what was measured on the validation images. Immutable.
class PublishedAccuracyMlp {
 public:
  // A .safetensors with the tensors N.weight [outputs, inputs] and N.bias, N = 0, 2, 4, 6. Fails with kNotFound, or
  // kBadFile naming the tensor.
  explicit PublishedAccuracyMlp(const std::string& path);

  // Share of right answers, 0..1. Fails (kInvalidArgument) on a resolution, kernel or expansion that it has no input
  // for. About 50 microseconds.
  double predict(const OfaChoice& choice) const;

 private:
  struct Layer {
    std::size_t inputs = 0, outputs = 0;
    std::vector<float> weights;  // [input][output]: each input adds a row, and most inputs are 0
    std::vector<float> bias;
  };
  std::array<Layer, 4> layers_;
};

}  // namespace limber
