// SPDX-License-Identifier: Apache-2.0
#include "train/parameters.h"

#include <cmath>

#include "base/error.h"

namespace limber::train {

using torch::Tensor;

namespace {

// Leaves that are updated alike, each list by one call of libtorch: hundreds of small ones keep a GPU waiting.
struct Group {
  std::vector<Tensor> values, gradients, momenta;

  void add(Leaf& leaf) {
    values.push_back(leaf.value);
    gradients.push_back(leaf.value.grad());
    momenta.push_back(leaf.momentum);
  }
  // Gradients become steps: Nesterov's.
  void look_ahead(double momentum) {
    at::_foreach_mul_(momenta, momentum);
    at::_foreach_add_(momenta, gradients);
    at::_foreach_add_(gradients, momenta, momentum);
  }
};

void sgd(Group& group, double momentum, double decay, double rate) {
  if (group.values.empty()) return;
  if (decay > 0) at::_foreach_add_(group.gradients, group.values, decay);
  group.look_ahead(momentum);
  at::_foreach_add_(group.values, group.gradients, -rate);
}

// Of matrices [count][rows][columns], each one: roughly the nearest with orthogonal rows (or columns), of norm 1, so
// that all directions of the gradient count alike. Five Newton-Schulz steps with the coefficients of Jordan et al.,
// Muon, 2024.
Tensor orthogonal(Tensor x) {
  const auto normalised = [](const Tensor& y) { return y / (y.norm(2, {1, 2}, true) + 1e-7); };
  const bool tall = x.size(1) > x.size(2);
  if (tall) x = x.transpose(1, 2);
  x = normalised(x);
  for (int step = 0; step < 5; ++step) {
    const Tensor square = torch::bmm(x, x.transpose(1, 2));
    x = 3.4445 * x + torch::bmm(-4.7750 * square + 2.0315 * torch::bmm(square, square), x);
  }
  return normalised(tall ? x.transpose(1, 2) : x);
}

// Muon. A weight's norm is kept, so that `rate` is the share of it that a step is long, and decay has no meaning.
void muon(Group& group, double momentum, double rate) {
  if (group.values.empty()) return;
  group.look_ahead(momentum);
  std::map<std::pair<int64_t, int64_t>, std::vector<std::size_t>> by_shape;
  for (std::size_t i = 0; i < group.values.size(); ++i) {
    const Tensor& value = group.values[i];
    by_shape[{value.size(0), value.numel() / value.size(0)}].push_back(i);
  }
  for (const auto& [shape, which] : by_shape) {
    std::vector<Tensor> matrices;
    for (const std::size_t i : which) matrices.push_back(group.gradients[i].flatten(1));
    const Tensor steps = orthogonal(torch::stack(matrices));
    const double norm = std::sqrt(static_cast<double>(shape.first));
    for (std::size_t k = 0; k < which.size(); ++k) {
      Tensor& value = group.values[which[k]];
      value.mul_(norm / (value.norm() + 1e-7));
      value.add_(steps[static_cast<int64_t>(k)].reshape(value.sizes()), -rate * norm);
    }
  }
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
  Group turned, decaying, others;
  for (Leaf& leaf : leaves) {
    if (!leaf.value.grad().defined()) continue;
    const bool turn = recipe.optimizer == Optimizer::kMuon && leaf.scale_free;
    (turn ? turned : leaf.decay ? decaying : others).add(leaf);
  }
  muon(turned, recipe.muon_momentum, rate * recipe.muon_rate);
  sgd(decaying, recipe.momentum, recipe.weight_decay, rate);
  sgd(others, recipe.momentum, 0, rate);
  for (Leaf& leaf : leaves) leaf.value.mutable_grad().reset();
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
