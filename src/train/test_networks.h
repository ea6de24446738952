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

// A super-network for the same pictures: resolution, depth, and per block the inner channels and the kernel (with its
// transform), one squeeze-excite.
inline Graph tiny_super_graph() {
  Graph graph;
  graph.name = "tiny-super";
  graph.space.dimensions = {{"resolution", {6, 8}},    {"depth", {1, 2}},         {"block1.expand", {4, 8}},
                            {"block1.kernel", {3, 5}}, {"block2.expand", {4, 8}}, {"block2.kernel", {3, 5}}};
  const auto table = [&](int dimension) {
    Extent extent;
    extent.by = {dimension};
    for (const int64_t choice : graph.space.dimensions[static_cast<std::size_t>(dimension)].choices)
      extent.table[{choice}] = choice;
    return extent;
  };
  const auto node = [&](const std::string& name, Op op, std::vector<int> inputs, Extent channels) {
    Node made;
    made.name = name;
    made.op = op;
    for (const int input : inputs) made.inputs.push_back({input, 0, -1, 0});
    made.channels = std::move(channels);
    if (op != Op::kConv2d && op != Op::kLinear) return made;
    made.weight = name + ".weight";
    if (op == Op::kLinear) {
      made.bias = name + ".bias";
      return made;
    }
    made.kernel = 3;
    made.padding = -1;
    made.norm = Norm{name + ".norm.weight", name + ".norm.bias", name + ".norm.mean", name + ".norm.variance", 1e-5f};
    made.activation = Activation::kRelu;
    return made;
  };
  const auto add = [&](Node made) {
    graph.nodes.push_back(std::move(made));
    return static_cast<int>(graph.nodes.size()) - 1;
  };
  Node image = node("image", Op::kInput, {}, 1);
  image.height = image.width = table(0);
  int x = add(node("stem", Op::kConv2d, {add(image)}, 8));
  for (int block = 1; block <= 2; ++block) {
    const std::string name = "block" + std::to_string(block);
    const Presence second{1, {2}};
    const auto place = [&](Node made) {
      if (block == 2) {
        made.when = {second};
        made.when_absent = WhenAbsent::kBypass;
      }
      return add(std::move(made));
    };
    Node wide = node(name + ".wide", Op::kConv2d, {x}, table(2 * block));
    wide.kernel = 1;
    Node depthwise = node(name + ".depthwise", Op::kConv2d, {place(wide)}, 0);
    depthwise.depthwise = true;
    depthwise.kernel = table(2 * block + 1);
    depthwise.transforms = {{5, 3, name + ".5to3"}};
    int inner = place(depthwise);
    if (block == 1) {  // squeeze-excite
      Node mean = node(name + ".mean", Op::kGlobalAveragePool, {inner}, 0);
      Node squeeze = node(name + ".squeeze", Op::kConv2d, {add(mean)}, 4);
      Node excite = node(name + ".excite", Op::kConv2d, {0}, table(2 * block));
      squeeze.kernel = excite.kernel = 1;
      squeeze.norm.reset();
      excite.norm.reset();
      squeeze.bias = name + ".squeeze.bias";
      excite.bias = name + ".excite.bias";
      excite.activation = Activation::kHardSigmoid;
      excite.inputs[0].node = add(squeeze);
      const int gate = add(excite);
      inner = add(node(name + ".gated", Op::kMultiply, {inner, gate}, 0));
    }
    Node narrow = node(name + ".narrow", Op::kConv2d, {inner}, 8);
    narrow.kernel = 1;
    narrow.residual = x;
    x = place(narrow);
  }
  x = add(node("features", Op::kGlobalAveragePool, {x}, 0));
  x = add(node("logits", Op::kLinear, {x}, 3));
  add(node("probabilities", Op::kSoftmax, {x}, 0));
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

inline Recipe tiny_super_recipe() {
  Recipe recipe = tiny_recipe(0);
  recipe.name = "tiny-super";
  recipe.calibration = 128;
  RecipePhase phase;
  phase.name = "all";
  phase.epochs = 2;
  phase.learning_rate = 0.05;
  phase.warm_up = 0.2;
  phase.subnets = 3;
  recipe.phases = {phase};
  recipe.members = {{"smallest", "resolution=6,depth=1,expand=4,kernel=3"},
                    {"largest", "resolution=8,depth=2,expand=8,kernel=5"}};
  return recipe;
}

}  // namespace limber::train
