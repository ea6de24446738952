// SPDX-License-Identifier: Apache-2.0
#include "train/finished_model.h"

#include <cstring>

#include "base/error.h"
#include "base/half.h"

namespace limber::train {
namespace {

limber::Tensor stored(const std::string& name, torch::Tensor& weight) {
  limber::Tensor tensor;
  tensor.name = name;
  tensor.shape = weight.sizes().vec();
  const torch::Tensor plain = weight.contiguous();
  const float* values = plain.data_ptr<float>();
  const auto count = static_cast<std::size_t>(plain.numel());
  const bool half = plain.dim() > 1;
  auto bytes = std::make_shared<std::vector<std::byte>>(count * (half ? 2 : 4));
  if (half) {
    torch::Tensor rounded = torch::empty_like(plain);
    for (std::size_t i = 0; i < count; ++i) {
      const uint16_t bits = float_to_half(values[i]);
      std::memcpy(bytes->data() + 2 * i, &bits, 2);
      rounded.data_ptr<float>()[i] = half_to_float(bits);
    }
    weight.copy_(rounded);  // what is measured from here on is what the file holds
  } else {
    std::memcpy(bytes->data(), values, count * 4);
  }
  tensor.dtype = half ? DType::kF16 : DType::kF32;
  tensor.bytes = *bytes;
  tensor.owner = bytes;
  return tensor;
}

}  // namespace

Network blank_network(const Recipe& recipe, const Graph& graph, const TrainingData& data) {
  Network network;
  network.name = recipe.name;
  network.graph = graph;
  network.preprocessing = {recipe.mean, recipe.deviation};
  network.labels = data.train.classes;
  return network;
}

void add_tensors(Network& network, Tensors& weights) {
  torch::NoGradGuard guard;
  for (auto& [name, weight] : weights) network.tensors.push_back(stored(name, weight));
}

void add_accuracy(Member& member, const Images& images, const std::string& split, double top1,
                  const TrainOptions& options) {
  member.accuracies.push_back({top1, images.name, split, images.hash, images.count});
  if (options.note)
    options.note(
        fmt::format("{}: {:.2f} % of {} {} images of {}", member.name, 100 * top1, images.count, split, images.name));
}

}  // namespace limber::train
