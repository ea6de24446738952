// SPDX-License-Identifier: Apache-2.0
#include "train/parameters.h"

#include <cmath>

#include "base/error.h"

namespace limber::train {

using torch::Tensor;

Leaf make_leaf(const std::string& name, Tensor value, bool decay) {
  Leaf leaf;
  leaf.name = name;
  leaf.value = value.requires_grad_();
  leaf.momentum = torch::zeros_like(value);
  leaf.decay = decay && value.dim() > 1;
  return leaf;
}

Tensors values_of(const std::vector<Leaf>& leaves) {
  Tensors values;
  for (const Leaf& leaf : leaves) values[leaf.name] = leaf.value;
  return values;
}

void update(std::vector<Leaf>& leaves, const Recipe& recipe, double rate) {
  torch::NoGradGuard guard;
  for (Leaf& leaf : leaves) {
    Tensor gradient = leaf.value.grad();
    if (!gradient.defined()) continue;
    if (leaf.decay && recipe.weight_decay > 0) gradient.add_(leaf.value, recipe.weight_decay);
    leaf.momentum.mul_(recipe.momentum).add_(gradient);
    leaf.value.add_(gradient.add_(leaf.momentum, recipe.momentum), -rate);
    leaf.value.mutable_grad().reset();
  }
}

Tensor random_weight(const std::vector<int64_t>& shape, const Node& node) {
  if (node.op != Op::kConv2d) return torch::randn(shape).mul_(std::sqrt(1.0 / static_cast<double>(shape[1])));
  const int64_t readers = node.depthwise ? 1 : shape[0];
  return torch::randn(shape).mul_(std::sqrt(2.0 / static_cast<double>(readers * shape[2] * shape[3])));
}

void require_finite(double loss, const Recipe& recipe, const std::string& where, int64_t epoch, int64_t batch,
                    double rate) {
  if (std::isfinite(loss)) return;
  fail(ErrorCode::kInvalidArgument,
       "{}: the loss is not finite any more ({}, epoch {}, batch {}); lower the learning_rate (now {})", recipe.path,
       where, epoch + 1, batch, rate);
}

}  // namespace limber::train
