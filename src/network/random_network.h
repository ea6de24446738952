// SPDX-License-Identifier: Apache-2.0
// Seeded networks of every image operator over odd shapes, with an elastic width, for tests. Layer: network (tests
// only).
#pragma once
#include <algorithm>
#include <string>
#include <vector>

#include "network/network_builder.h"

namespace limber::toy {

// Two members, "narrow" and "wide". Convolutions read slices and concatenations, have norms, biases, residuals, any
// activation, kernel (1 to 7), stride and padding; channels are seldom multiples of 16. `logits` reads everything.
class RandomNetwork {
 public:
  explicit RandomNetwork(unsigned seed) : random_(seed * 7919 + 1), b_("random" + std::to_string(seed), seed) {}

  Network build(int steps = 9) {
    b_.network.graph.space.dimensions = {{"width", {1, 2}}};
    const int64_t channels = between(1, 5);
    const int64_t height = between(7, 14), width = between(7, 14);
    values_.push_back({b_.input(channels, height, width), channels, channels, height, width});
    for (int i = 0; i < steps; ++i) step(i);
    answer();
    b_.member("narrow", {1});
    b_.member("wide", {2});
    for (int64_t c = 0; c < channels; ++c) {
      b_.network.preprocessing.mean.push_back(0.4f);
      b_.network.preprocessing.deviation.push_back(0.25f);
    }
    return std::move(b_.network);
  }

 private:
  struct Value {
    int node;
    int64_t narrow, wide;  // channels of the two members
    int64_t height, width;
  };

  int64_t between(int64_t low, int64_t high) {
    return low + static_cast<int64_t>(random_() % static_cast<unsigned>(high - low + 1));
  }
  bool chance(int percent) { return between(1, 100) <= percent; }
  Activation activation() { return static_cast<Activation>(between(0, 4)); }
  const Value& any() { return values_[static_cast<std::size_t>(between(0, static_cast<int64_t>(values_.size()) - 1))]; }
  static Extent extent(int64_t narrow, int64_t wide) {
    return narrow == wide ? Extent(wide) : table(0, {{1, narrow}, {2, wide}});
  }

  // Another value of the same shape, or nullptr.
  const Value* twin(const Value& of, bool channels_too) {
    std::vector<const Value*> found;
    for (const Value& value : values_) {
      const bool same = value.height == of.height && value.width == of.width &&
                        (!channels_too || (value.narrow == of.narrow && value.wide == of.wide));
      if (value.node != of.node && same) found.push_back(&value);
    }
    return found.empty() ? nullptr
                         : found[static_cast<std::size_t>(between(0, static_cast<int64_t>(found.size()) - 1))];
  }

  // Kernel, stride and padding that fit.
  void slide(Node& node, Value& value, int64_t kernel, int64_t padding, int64_t stride) {
    node.kernel = kernel;
    node.padding = padding;
    node.stride = stride;
    value.height = (value.height + 2 * padding - kernel) / stride + 1;
    value.width = (value.width + 2 * padding - kernel) / stride + 1;
  }
  void slide(Node& node, Value& value, int64_t kernel) {
    const int64_t padding = chance(60) ? kernel / 2 : between(0, kernel - 1);
    slide(node, value, kernel, padding, chance(70) ? 1 : between(2, 3));
  }
  int64_t kernel_for(const Value& value) {
    const int64_t most = std::min({int64_t{7}, value.height, value.width});
    return chance(30) ? 1 : between(1, most);
  }
  void dress(Node& node, int64_t channels) {
    node.activation = activation();
    if (chance(60)) node.norm = b_.norm(node.name + ".norm", channels);
    if (chance(50)) node.bias = b_.random_tensor(node.name + ".bias", {channels});
  }
  void push(Node node, Value value) {
    value.node = b_.add(std::move(node));
    values_.push_back(value);
  }

  void step(int i) {
    const std::string name = "n" + std::to_string(i);
    switch (between(0, 11)) {
      case 0:
        return depthwise(name);
      case 1:
        return grouped(name);
      case 2:
        return join(name, Op::kAdd);
      case 3:
        return join(name, Op::kConcat);
      case 4:
        return pool(name, chance(50) ? Op::kMaxPool : Op::kAveragePool);
      case 5:
        return excite(name);
      case 6:
        return activate(name);
      default:
        return convolve(name);
    }
  }

  void convolve(const std::string& name) {
    Value value = any();
    std::vector<Input> inputs = {Builder::from(value.node)};
    int64_t in = value.wide;
    if (value.narrow > 2 && chance(25)) {  // a slice that starts anywhere
      const int64_t from = between(1, value.narrow - 1), count = between(1, value.narrow - from);
      inputs = {Builder::from(value.node, from, count)};
      in = count;
    }
    if (const Value* other = twin(value, false); other != nullptr && chance(40)) {
      inputs.push_back(Builder::from(other->node, 0, -1, in));
      in += other->wide;
    }
    const int64_t kernel = kernel_for(value);
    value.wide = between(1, 40);
    value.narrow = chance(50) ? value.wide : between(1, value.wide);
    const Value* residual = chance(40) ? &any() : nullptr;
    Node node = b_.conv(name, inputs, 1, {1, 1, 1, 1});
    b_.network.tensors.pop_back();
    if (residual != nullptr && residual->height == value.height && residual->width == value.width && kernel % 2 == 1) {
      value.narrow = residual->narrow;
      value.wide = residual->wide;
      slide(node, value, kernel, kernel / 2, 1);
      node.residual = residual->node;
    } else {
      slide(node, value, kernel);
    }
    node.channels = extent(value.narrow, value.wide);
    const float bound = 1.7f / static_cast<float>(std::max<int64_t>(1, in * kernel * kernel));
    node.weight = b_.random_tensor(name + ".weights", {value.wide, in, kernel, kernel}, -3 * bound, 4 * bound);
    dress(node, value.wide);
    push(node, value);
  }

  void depthwise(const std::string& name) {
    Value value = any();
    const int64_t kernel = kernel_for(value);
    Node node = b_.conv(name, {Builder::from(value.node)}, 0, {value.wide, 1, kernel, kernel});
    node.depthwise = true;
    slide(node, value, kernel);
    dress(node, value.wide);
    push(node, value);
  }

  // A 1x1 convolution that makes groups x depth channels, then a grouped one over them; fewer groups when narrow.
  void grouped(const std::string& name) {
    Value value = any();
    const int64_t depth = between(1, 9), few = between(1, 3), many = between(few, 5), each = between(1, 9);
    Node before = b_.conv(name + ".before", {Builder::from(value.node)}, extent(few * depth, many * depth),
                          {many * depth, value.wide, 1, 1});
    value = {b_.add(before), few * depth, many * depth, value.height, value.width};
    values_.push_back(value);
    const int64_t kernel = kernel_for(value);
    Node node = b_.conv(name, {Builder::from(value.node)}, extent(few * each, many * each),
                        {many * each, depth, kernel, kernel});
    node.groups = extent(few, many);
    value.narrow = few * each;
    value.wide = many * each;
    slide(node, value, kernel);
    dress(node, value.wide);
    push(node, value);
  }

  void join(const std::string& name, Op op) {
    Value value = any();
    const Value* other = twin(value, op == Op::kAdd);
    if (other == nullptr) return convolve(name);
    Node node = Builder::plain(name, op, {Builder::from(value.node), Builder::from(other->node)});
    if (op == Op::kAdd) {
      node.activation = activation();
    } else {
      value.narrow += other->narrow;
      value.wide += other->wide;
    }
    push(node, value);
  }

  void pool(const std::string& name, Op op) {
    Value value = any();
    Node node = Builder::plain(name, op, {Builder::from(value.node)});
    const int64_t kernel = between(1, std::min({int64_t{4}, value.height, value.width}));
    slide(node, value, kernel, between(0, kernel / 2), between(1, 3));
    push(node, value);
  }

  // Squeeze-excite: multiply by one pixel.
  void excite(const std::string& name) {
    const Value value = any();
    const int mean = b_.add(Builder::plain(name + ".mean", Op::kGlobalAveragePool, {Builder::from(value.node)}));
    const int gate = b_.add(b_.conv(name + ".gate", {Builder::from(mean)}, extent(value.narrow, value.wide),
                                    {value.wide, value.wide, 1, 1}, 1, Activation::kHardSigmoid));
    push(Builder::plain(name, Op::kMultiply, {Builder::from(value.node), Builder::from(gate)}), value);
  }

  void activate(const std::string& name) {
    const Value value = any();
    Node node = Builder::plain(name, Op::kActivation, {Builder::from(value.node)});
    node.activation = activation();
    push(node, value);
  }

  void answer() {
    std::vector<Input> features;
    int64_t in = 0;
    for (std::size_t i = 0; i < values_.size(); ++i) {
      const int mean =
          b_.add(Builder::plain("mean" + std::to_string(i), Op::kGlobalAveragePool, {Builder::from(values_[i].node)}));
      features.push_back(Builder::from(mean, 0, -1, in));
      in += values_[i].wide;
    }
    const int64_t classes = between(2, 37);
    Node logits = b_.conv("logits", features, classes, {classes, in}, 1, Activation::kNone);
    logits.bias = b_.random_tensor("logits.bias", {classes});
    const int last = b_.add(logits);
    b_.add(Builder::plain("probabilities", Op::kSoftmax, {Builder::from(last)}));
  }

  std::mt19937 random_;
  Builder b_;
  std::vector<Value> values_;
};

}  // namespace limber::toy
