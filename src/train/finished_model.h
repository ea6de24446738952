// SPDX-License-Identifier: Apache-2.0
// The model file's content at the end of a training. Includes torch. Layer: train.
#pragma once
#include "train/tensors.h"
#include "train/trainer.h"

namespace limber::train {

// Name, graph, pre-processing and labels.
Network blank_network(const Recipe& recipe, const Graph& graph, const TrainingData& data);

// Adds the tensors; matrices and kernels as F16, and `weights` becomes what the file holds: accuracies are measured
// with exactly these, in fp32.
void add_tensors(Network& network, Tensors& weights);

// Adds an accuracy to a member, and says so.
void add_accuracy(Member& member, const Images& images, const std::string& split, double top1,
                  const TrainOptions& options);

}  // namespace limber::train
