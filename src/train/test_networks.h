// SPDX-License-Identifier: Apache-2.0
// Tiny networks, data and recipes for the training tests. Layer: train (tests only).
#pragma once
#include <string>

#include "formats/data_set.h"
#include "network/graph.h"
#include "train/recipe.h"

namespace limber::train {

// Two or more groups of conv(8) - max pool - conv(8) - mean on 8x8 pictures of one channel, three classes.
inline Graph tiny_graph(int groups, bool nested) {
  Graph graph;
  graph.name = "tiny";
  graph.space.dimensions.push_back({"groups", {}});
  for (int g = 1; g <= groups; ++g) graph.space.dimensions[0].choices.push_back(g);
  const auto add = [&](Node node, int group) {
    if (group > 0) {
      Presence presence;
      presence.dimension = 0;
      for (int g = group + 1; g <= groups; ++g) presence.choices.push_back(g);
      node.when.push_back(presence);
    }
    graph.nodes.push_back(node);
    return static_cast<int>(graph.nodes.size()) - 1;
  };
  const auto conv = [&](const std::string& name, std::vector<Input> inputs, int group) {
    Node node;
    node.name = name;
    node.op = Op::kConv2d;
    node.inputs = std::move(inputs);
    node.channels = 8;
    node.kernel = 3;
    node.padding = 1;
    node.weight = name + ".weight";
    node.norm = Norm{name + ".norm.weight", name + ".norm.bias", name + ".norm.mean", name + ".norm.variance"};
    node.activation = Activation::kRelu;
    return add(node, group);
  };
  const auto input = [](int node, int64_t weight_from) {
    Input result;
    result.node = node;
    result.weight_from = weight_from;
    return result;
  };
  Node image;
  image.name = "image";
  image.channels = 1;
  image.height = image.width = 8;
  add(image, 0);
  std::vector<Input> pooled, features;
  for (int g = 0; g < groups; ++g) {
    const std::string suffix = ".g" + std::to_string(g);
    Node pool;
    pool.name = "pool" + suffix;
    pool.op = Op::kMaxPool;
    pool.inputs = {input(conv("conv0" + suffix, {input(0, 0)}, g), 0)};
    pool.kernel = 2;
    pool.stride = 2;
    const int made = add(pool, g);
    pooled.push_back(input(made, 8 * g));
    Node mean;
    mean.name = "mean" + suffix;
    mean.op = Op::kGlobalAveragePool;
    mean.inputs = {input(conv("conv1" + suffix, nested ? pooled : std::vector{input(made, 0)}, g), 0)};
    features.push_back(input(add(mean, g), 8 * g));
  }
  Node logits;
  logits.name = "logits";
  logits.op = Op::kLinear;
  logits.inputs = features;
  logits.channels = 3;
  logits.weight = "logits.weight";
  logits.bias = "logits.bias";
  const int answer = add(logits, 0);
  Node softmax;
  softmax.name = "probabilities";
  softmax.op = Op::kSoftmax;
  softmax.inputs = {input(answer, 0)};
  add(softmax, 0);
  return graph;
}

// Horizontal stripes, vertical stripes, a blob: with noise.
inline Images tiny_images(int64_t count, uint32_t seed) {
  Images images;
  images.count = count;
  images.height = images.width = 8;
  images.channels = 1;
  images.classes = {"rows", "columns", "blob"};
  images.name = "tiny";
  images.hash = "tiny-" + std::to_string(seed);
  uint32_t state = seed;
  for (int64_t n = 0; n < count; ++n) {
    const int label = static_cast<int>(n % 3);
    images.labels.push_back(label);
    for (int y = 0; y < 8; ++y) {
      for (int x = 0; x < 8; ++x) {
        state = state * 1664525u + 1013904223u;
        const bool on = label == 0 ? y % 2 == 0 : label == 1 ? x % 2 == 0 : (x - 4) * (x - 4) + (y - 4) * (y - 4) < 8;
        images.pixels.push_back(static_cast<uint8_t>((on ? 120u : 40u) + (state >> 24) / 2));
      }
    }
  }
  return images;
}

inline Recipe tiny_recipe(int groups) {
  Recipe recipe;
  recipe.path = "tiny.toml";
  recipe.text = "tiny";
  recipe.name = "tiny";
  recipe.data = "tiny";
  recipe.mean = {0.5f};
  recipe.deviation = {0.25f};
  recipe.flip = true;
  recipe.shift = 1;
  recipe.batch = 16;
  recipe.precision = Precision::kFp32;
  for (int g = 1; g <= groups; ++g) {
    recipe.members.push_back({std::to_string(g), "groups=" + std::to_string(g)});
    recipe.epochs.push_back(2);
  }
  return recipe;
}

}  // namespace limber::train
