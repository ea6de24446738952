// SPDX-License-Identifier: Apache-2.0
// The model file's content at the end of a training. Includes torch. Layer: train.
#pragma once
#include "train/tensors.h"
#include "train/trainer.h"

namespace limber::train {

// Weights become F16 (and `weights` what the file holds); accuracies of both splits are measured with exactly these, in
// fp32. Reads the test images: call it once.
Network finished_model(const Recipe& recipe, const Graph& graph, const std::vector<Step>& steps,
                       const std::vector<Choice>& choices, Tensors& weights, const TrainingData& data,
                       const TrainOptions& options);

}  // namespace limber::train
