// SPDX-License-Identifier: Apache-2.0
#include "train/parameters.h"

#include <cmath>

#include "base/error.h"

namespace limber::train {

using torch::Tensor;

namespace {

void sgd(Leaf& leaf, Tensor gradient, const Recipe& recipe, double rate) {
  if (leaf.decay && recipe.weight_decay > 0) gradient.add_(leaf.value, recipe.weight_decay);
  leaf.momentum.mul_(recipe.momentum).add_(gradient);
  leaf.value.add_(gradient.add_(leaf.momentum, recipe.momentum), -rate);
}

// Roughly the nearest matrix with orthogonal rows (or columns), of norm 1: all directions of the gradient count alike.
// Five Newton-Schulz steps with the coefficients of Jordan et al., Muon, 2024.
Tensor orthogonal(const Tensor& gradient) {
  Tensor x = gradient.flatten(1);
  const bool tall = x.size(0) > x.size(1);
  if (tall) x = x.t();
  x = x / (x.norm() + 1e-7);
  for (int step = 0; step < 5; ++step) {
    const Tensor square = torch::mm(x, x.t());
    x = 3.4445 * x + torch::mm(-4.7750 * square + 2.0315 * torch::mm(square, square), x);
  }
  if (tall) x = x.t();
  return (x / (x.norm() + 1e-7)).reshape(gradient.sizes());
}

// Muon. The weight's norm is kept, so that `rate` is the share of it that a step is long, and decay has no meaning.
void muon(Leaf& leaf, Tensor gradient, const Recipe& recipe, double rate) {
  leaf.momentum.mul_(recipe.muon_momentum).add_(gradient);
  const double norm = std::sqrt(static_cast<double>(leaf.value.size(0)));
  leaf.value.mul_(norm / (leaf.value.norm() + 1e-7));
  leaf.value.add_(orthogonal(gradient.add_(leaf.momentum, recipe.muon_momentum)), -rate * norm);
}

}  // namespace

Leaf make_leaf(const std::string& name, Tensor value, bool decay, bool scale_free) {
  Leaf leaf;
  leaf.name = name;
  leaf.value = value.requires_grad_();
  leaf.momentum = torch::zeros_like(value);
  leaf.decay = decay && value.dim() > 1;
  leaf.scale_free = scale_free;
  return leaf;
}

bool scale_free(const Node& node) {
  return node.op == Op::kConv2d && node.norm && !node.depthwise;
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
    if (recipe.optimizer == Optimizer::kMuon && leaf.scale_free)
      muon(leaf, gradient, recipe, rate * recipe.muon_rate);
    else
      sgd(leaf, gradient, recipe, rate);
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
