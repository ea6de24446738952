// SPDX-License-Identifier: Apache-2.0
// What a training trains: leaves with momentum, and their first values. Includes torch. Layer: train.
#pragma once
#include <string>
#include <vector>

#include "train/interpreter.h"
#include "train/recipe.h"

namespace limber::train {

struct Leaf {
  std::string name;
  torch::Tensor value, momentum;
  bool decay = true;           // weight decay: weights, not normalisation, biases and kernel transforms
  bool scale_free = false;     // a convolution that normalisation follows: its size does not change what is answered
  std::vector<Range> columns;  // of a partly trained weight; empty: all of it
};

Leaf make_leaf(const std::string& name, torch::Tensor value, bool decay, bool scale_free);

// A convolution over channels with normalisation behind it. Depthwise ones have no matrix that Muon could turn.
bool scale_free(const Node& node);

Tensors values_of(const std::vector<Leaf>& leaves);

// One step of the recipe's optimizer: SGD with Nesterov momentum; or Muon for the scale-free leaves and SGD for the
// others. A leaf without a gradient is left alone; the gradients are gone afterwards.
void update(std::vector<Leaf>& leaves, const Recipe& recipe, double rate);

// Draws from libtorch's generator: He et al. for convolutions, 1/sqrt(inputs) for linear layers.
torch::Tensor random_weight(const std::vector<int64_t>& shape, const Node& node);

// Fails when a training went astray. where: "member 50%", "phase 1".
void require_finite(double loss, const Recipe& recipe, const std::string& where, int64_t epoch, int64_t batch,
                    double rate);

}  // namespace limber::train
