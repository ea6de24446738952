// SPDX-License-Identifier: Apache-2.0
#include "design/mlp.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <random>

namespace limber {
namespace {

// Close to normal, the same on every machine: the sum of four uniforms, deviation 1.
double normal(std::mt19937_64& random) {
  double sum = 0;
  for (int i = 0; i < 4; ++i) sum += static_cast<double>(random() >> 11) * 0x1p-53;
  return (sum - 2) * std::numbers::sqrt3;
}

// Adam's state for one tensor.
struct Adam {
  std::vector<double> first, second;
  explicit Adam(std::size_t size) : first(size), second(size) {}

  void step(std::vector<float>* values, const std::vector<double>& gradient, double rate, double decay, int64_t t) {
    const double one = 1 - std::pow(0.9, static_cast<double>(t)), two = 1 - std::pow(0.999, static_cast<double>(t));
    for (std::size_t i = 0; i < values->size(); ++i) {
      first[i] += 0.1 * (gradient[i] - first[i]);
      second[i] += 0.001 * (gradient[i] * gradient[i] - second[i]);
      double value = static_cast<double>((*values)[i]);
      value -= rate * (first[i] / one / (std::sqrt(second[i] / two) + 1e-8) + decay * value);
      (*values)[i] = static_cast<float>(value);
    }
  }
};

// What a layer gives; hidden ones with ReLU.
std::vector<float> forward(const MlpLayer& layer, std::span<const float> input, bool hidden) {
  std::vector<float> output = layer.bias;
  for (std::size_t o = 0; o < output.size(); ++o) {
    const float* const row = layer.weight.data() + static_cast<int64_t>(o) * layer.inputs;
    for (std::size_t i = 0; i < input.size(); ++i) output[o] += row[i] * input[i];
    if (hidden) output[o] = std::max(output[o], 0.0f);
  }
  return output;
}

class Trainer {
 public:
  explicit Trainer(Mlp* mlp) : mlp_(*mlp) {
    for (const MlpLayer& layer : mlp_.layers) {
      weights_.emplace_back(layer.weight.size());
      biases_.emplace_back(layer.bias.size());
      weight_gradients_.emplace_back(layer.weight.size());
      bias_gradients_.emplace_back(layer.bias.size());
    }
  }

  // Adds the gradient of half the squared error.
  void learn(const std::vector<float>& input, float target) {
    const std::size_t count = mlp_.layers.size();
    std::vector<std::vector<float>> values = {input};
    for (std::size_t l = 0; l < count; ++l) values.push_back(forward(mlp_.layers[l], values.back(), l + 1 < count));
    std::vector<double> error = {static_cast<double>(values.back().front() - target)};
    for (std::size_t l = count; l-- > 0;) {
      const MlpLayer& layer = mlp_.layers[l];
      std::vector<double> before(static_cast<std::size_t>(layer.inputs));
      for (std::size_t o = 0; o < error.size(); ++o) {
        if (l + 1 < count && values[l + 1][o] <= 0) continue;
        bias_gradients_[l][o] += error[o];
        for (std::size_t i = 0; i < before.size(); ++i) {
          const std::size_t at = o * before.size() + i;
          weight_gradients_[l][at] += error[o] * static_cast<double>(values[l][i]);
          before[i] += error[o] * static_cast<double>(layer.weight[at]);
        }
      }
      error = std::move(before);
    }
    ++learnt_;
  }

  void step(double rate, double decay) {
    ++steps_;
    for (std::size_t l = 0; l < mlp_.layers.size(); ++l) {
      for (auto* gradient : {&weight_gradients_[l], &bias_gradients_[l]}) {
        for (double& value : *gradient) value /= static_cast<double>(learnt_);
      }
      weights_[l].step(&mlp_.layers[l].weight, weight_gradients_[l], rate, decay, steps_);
      biases_[l].step(&mlp_.layers[l].bias, bias_gradients_[l], rate, 0, steps_);
      std::fill(weight_gradients_[l].begin(), weight_gradients_[l].end(), 0.0);
      std::fill(bias_gradients_[l].begin(), bias_gradients_[l].end(), 0.0);
    }
    learnt_ = 0;
  }

 private:
  Mlp& mlp_;
  std::vector<Adam> weights_, biases_;
  std::vector<std::vector<double>> weight_gradients_, bias_gradients_;
  int64_t learnt_ = 0, steps_ = 0;
};

double squared_error(const Mlp& mlp, const std::vector<std::vector<float>>& inputs, const std::vector<float>& targets) {
  double sum = 0;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const double difference = static_cast<double>(mlp(inputs[i]) - targets[i]);
    sum += difference * difference;
  }
  return sum;
}

}  // namespace

Mlp Mlp::random(int64_t inputs, int64_t hidden, int64_t hidden_layers, uint64_t seed) {
  std::mt19937_64 random(seed);
  Mlp mlp;
  for (int64_t l = 0; l <= hidden_layers; ++l) {
    MlpLayer layer;
    layer.inputs = l == 0 ? inputs : hidden;
    layer.outputs = l == hidden_layers ? 1 : hidden;
    const double deviation = std::sqrt((l == hidden_layers ? 1.0 : 2.0) / static_cast<double>(layer.inputs));
    for (int64_t i = 0; i < layer.inputs * layer.outputs; ++i)
      layer.weight.push_back(static_cast<float>(deviation * normal(random)));
    layer.bias.resize(static_cast<std::size_t>(layer.outputs));
    mlp.layers.push_back(std::move(layer));
  }
  return mlp;
}

float Mlp::operator()(std::span<const float> input) const {
  std::vector<float> values(input.begin(), input.end());
  for (std::size_t l = 0; l < layers.size(); ++l) values = forward(layers[l], values, l + 1 < layers.size());
  return values.front();
}

void train_mlp(Mlp* mlp, const std::vector<std::vector<float>>& inputs, const std::vector<float>& targets,
               const std::vector<std::vector<float>>& stop_inputs, const std::vector<float>& stop_targets,
               const MlpTraining& training) {
  std::mt19937_64 random(training.seed);
  std::vector<std::size_t> order(inputs.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  Trainer trainer(mlp);
  Mlp best = *mlp;
  double least = squared_error(best, stop_inputs, stop_targets);
  int64_t waited = 0;
  for (int64_t epoch = 0; epoch < training.epochs && waited < training.patience; ++epoch) {
    for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random() % i]);
    const double progress = static_cast<double>(epoch) / static_cast<double>(training.epochs);
    const double rate = training.rate * 0.5 * (1 + std::cos(std::numbers::pi * progress));
    for (std::size_t i = 0; i < order.size(); ++i) {
      trainer.learn(inputs[order[i]], targets[order[i]]);
      const bool last = i + 1 == order.size();
      if (last || (i + 1) % static_cast<std::size_t>(training.batch) == 0) trainer.step(rate, training.decay);
    }
    const double error = squared_error(*mlp, stop_inputs, stop_targets);
    ++waited;
    if (error >= least) continue;
    least = error;
    best = *mlp;
    waited = 0;
  }
  *mlp = std::move(best);
}

}  // namespace limber
