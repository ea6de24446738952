// SPDX-License-Identifier: Apache-2.0
// Images that a toy network can tell apart, for tests. Layer: design (tests only).
#pragma once
#include <random>

#include "formats/data_set.h"
#include "network/network_builder.h"

namespace limber::toy {

// Noise around a colour of its own for each class.
inline Images coloured(int64_t count, int64_t side, int classes = 4, unsigned seed = 1) {
  Images images;
  images.count = count;
  images.height = images.width = side;
  images.channels = 3;
  images.name = "coloured";
  std::mt19937 random(seed);
  for (int64_t i = 0; i < count; ++i) {
    const auto label = static_cast<int>(random() % static_cast<unsigned>(classes));
    images.labels.push_back(label);
    for (int64_t p = 0; p < side * side; ++p) {
      for (int channel = 0; channel < 3; ++channel) {
        const int base = (label + 1) >> channel & 1 ? 150 : 60;
        images.pixels.push_back(static_cast<uint8_t>(base + static_cast<int>(random() % 40)));
      }
    }
  }
  for (int c = 0; c < classes; ++c) images.classes.push_back("colour " + std::to_string(c));
  images.hash = hash_images(images);
  return images;
}

// An inverted residual with depthwise convolution and squeeze-excite, a block that is bypassed for depth 1, a
// classifier; elastic expansion. The classifier's weights are zero: see fit_classifier().
inline Network blocks(int64_t side = 12, int64_t classes = 4, unsigned seed = 3) {
  Builder b("blocks", seed);
  b.network.graph.space.dimensions = {{"expand", {1, 2}}, {"depth", {1, 2}}};
  const Extent middle = table(0, {{1, 24}, {2, 40}});
  const int input = b.input(3, side, side);
  Node stem = b.conv("stem", {Builder::from(input)}, 16, {16, 3, 3, 3}, 2, Activation::kHardSwish);
  stem.norm = b.norm("stem.norm", 16);
  int x = b.add(stem);
  for (int layer = 0; layer < 2; ++layer) {
    const std::string name = "block" + std::to_string(layer);
    const std::vector<Presence> when = layer == 1 ? std::vector<Presence>{{1, {2}}} : std::vector<Presence>{};
    Node expand = b.conv(name + ".expand", {Builder::from(x)}, middle, {40, 16, 1, 1});
    expand.norm = b.norm(expand.name + ".norm", 40);
    expand.when = when;
    const int e = b.add(expand);
    Node deep = b.conv(name + ".deep", {Builder::from(e)}, 0, {40, 1, 3, 3}, 1, Activation::kHardSwish);
    deep.depthwise = true;
    deep.norm = b.norm(deep.name + ".norm", 40);
    deep.when = when;
    const int d = b.add(deep);
    Node mean = Builder::plain(name + ".mean", Op::kGlobalAveragePool, {Builder::from(d)});
    mean.when = when;
    const int m = b.add(mean);
    Node gate = b.conv(name + ".gate", {Builder::from(m)}, middle, {40, 40, 1, 1}, 1, Activation::kHardSigmoid);
    gate.bias = b.random_tensor(gate.name + ".bias", {40});
    gate.when = when;
    const int g = b.add(gate);
    Node scale = Builder::plain(name + ".scale", Op::kMultiply, {Builder::from(d), Builder::from(g)});
    scale.when = when;
    const int s = b.add(scale);
    Node project = b.conv(name + ".project", {Builder::from(s)}, 16, {16, 40, 1, 1}, 1, Activation::kNone);
    project.norm = b.norm(project.name + ".norm", 16);
    project.when = when;
    const int p = b.add(project);
    Node sum = Builder::plain(name + ".sum", Op::kAdd, {Builder::from(x), Builder::from(p)});
    sum.when = when;
    sum.when_absent = WhenAbsent::kBypass;
    x = b.add(sum);
  }
  const int mean = b.add(Builder::plain("mean", Op::kGlobalAveragePool, {Builder::from(x)}));
  Node logits = b.conv("logits", {Builder::from(mean)}, classes, {classes, 16}, 1, Activation::kNone);
  logits.bias = "logits.bias";
  b.add(logits);
  for (Tensor& t : b.network.tensors) {
    if (t.name == "logits.weight")
      t = tensor(t.name, {classes, 16}, std::vector<float>(static_cast<std::size_t>(classes) * 16));
  }
  b.network.tensors.push_back(tensor("logits.bias", {classes}, std::vector<float>(static_cast<std::size_t>(classes))));
  b.member("small", {1, 1});
  b.member("middle", {2, 1});
  b.member("large", {2, 2});
  b.network.preprocessing = {{0.4f, 0.4f, 0.4f}, {0.2f, 0.2f, 0.2f}};
  return std::move(b.network);
}

}  // namespace limber::toy
