// SPDX-License-Identifier: Apache-2.0
// A small multi-layer perceptron with one output, in plain C++. Layer: design.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

namespace limber {

struct MlpLayer {
  int64_t inputs = 0, outputs = 0;
  std::vector<float> weight;  // [outputs][inputs]
  std::vector<float> bias;    // [outputs]
};

// Linear layers with ReLU between them. Plain data; reading is thread-safe.
struct Mlp {
  std::vector<MlpLayer> layers;

  // He's initialisation (arXiv 1502.01852), seeded; the same on every machine.
  static Mlp random(int64_t inputs, int64_t hidden, int64_t hidden_layers, uint64_t seed);
  float operator()(std::span<const float> input) const;
};

struct MlpTraining {
  uint64_t seed = 1;      // of the order of the samples
  int64_t epochs = 600;   // at most
  int64_t patience = 60;  // epochs without a smaller error on the stopping samples, then the best weights are taken
  int64_t batch = 16;
  double rate = 2e-3;   // of Adam (arXiv 1412.6980), falling as half a cosine
  double decay = 1e-3;  // decoupled weight decay (arXiv 1711.05101)
};

// Minimises the squared error. inputs: [samples][first layer's inputs]. The stopping samples are not learnt from.
// Single thread, deterministic; seconds for some hundred samples and some 10,000 weights.
void train_mlp(Mlp* mlp, const std::vector<std::vector<float>>& inputs, const std::vector<float>& targets,
               const std::vector<std::vector<float>>& stop_inputs, const std::vector<float>& stop_targets,
               const MlpTraining& training);

}  // namespace limber
