// SPDX-License-Identifier: Apache-2.0
// What libtorch says and is, beside the training itself: logits to compare with, its speed, its version.
#include <algorithm>
#include <chrono>

#include "train/interpreter.h"
#include "train/steps.h"
#include "train/tensors.h"
#include "train/trainer.h"

namespace limber::train {

using torch::Tensor;

std::vector<float> torch_logits(const Network& network, const Member& member, const Images& images) {
  torch::NoGradGuard guard;
  Tensors weights;
  for (const limber::Tensor& tensor : network.tensors) {
    weights[tensor.name] = to_torch(tensor);
  }
  for (const auto& [name, norm] : member.norms) {  // its own statistics, under the names that the graph knows
    const Node& node = *std::find_if(network.graph.nodes.begin(), network.graph.nodes.end(),
                                     [&name](const Node& one) { return one.name == name; });
    weights[node.norm->mean] = weights.at(norm.mean);
    weights[node.norm->variance] = weights.at(norm.variance);
  }
  const Step step = sub_network_step(network.graph, member.choice);
  Recipe recipe;
  recipe.mean = network.preprocessing.mean;
  recipe.deviation = network.preprocessing.deviation;
  const Tensors no_leaves;
  Interpreter net(network.graph, step, weights, no_leaves, Statistics::kStored, false);
  std::vector<float> answers;
  for (int64_t i = 0; i < images.count; ++i) {
    Tensor labels;
    net.start(to_batch(recipe, images, &i, 1, nullptr, torch::kCPU, labels));
    const Tensor logits = net.own().contiguous();
    answers.insert(answers.end(), logits.data_ptr<float>(), logits.data_ptr<float>() + logits.numel());
  }
  return answers;
}

double measure_blas() {
  const Tensor a = torch::randn({512, 512});
  double best = 1e9;
  for (int i = 0; i < 3; ++i) {
    const auto started = std::chrono::steady_clock::now();
    const Tensor b = a.mm(a);
    best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count());
  }
  return 2.0 * 512 * 512 * 512 / best * 1e-9;
}

std::string torch_version() {
  return TORCH_VERSION;
}

}  // namespace limber::train
