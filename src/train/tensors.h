// SPDX-License-Identifier: Apache-2.0
// Between the project's tensors, images and checkpoints and libtorch's tensors. Includes torch. Layer: train.
#pragma once
#include "network/network.h"
#include "train/batches.h"
#include "train/checkpoint.h"
#include "train/interpreter.h"

namespace limber::train {

// Convolution weights in channels-last memory, which libtorch's convolutions read fastest; others contiguous.
torch::Tensor channels_last(torch::Tensor weight);

torch::Tensor to_torch(const limber::Tensor& tensor);  // a model file's tensor as fp32
Values to_values(const torch::Tensor& tensor);         // a checkpoint's
torch::Tensor to_torch(const Values& values);

// "cpu", or "cuda": an NVIDIA GPU. Fails naming what is legal, or that this libtorch finds none.
torch::Device device_named(const std::string& name);
// Where a network's weights are.
torch::Device device_of(const Tensors& weights);
void move_to(torch::Device device, Tensors& weights);

// Images `indices` as [n][channels][height][width] (channels last in memory) on `device`, normalised, and augmented if
// `random` is given.
torch::Tensor to_batch(const Recipe& recipe, const Images& images, const int64_t* indices, int64_t n, Random* random,
                       torch::Device device, torch::Tensor& labels);

// What one step's network says about all `images`: logits [images][classes].
struct Answers {
  torch::Tensor own, frozen, labels;  // frozen: of the steps before; undefined in the first step
  double own_accuracy() const;
  double accuracy() const;  // of the sum
};
Answers answer_all(const Recipe& recipe, const Graph& graph, const Step& step, Tensors& weights, const Images& images,
                   bool bf16);

// The factor on `own` (1/4 to 4, in steps of 2^1/4) that makes own * factor + frozen most likely right: lowest
// cross-entropy at the temperature that suits that factor best.
double best_scale(const Answers& answers);

}  // namespace limber::train
