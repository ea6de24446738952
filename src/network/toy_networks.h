// SPDX-License-Identifier: Apache-2.0
// Toy versions of every kind of network, for tests. Layer: network (tests only).
#pragma once
#include <string>
#include <vector>

#include "network/network_builder.h"

namespace limber::toy {

// `groups` channel groups of `width` channels on 12 x 12 images: two convolutions with norms, a pool, one classifier.
inline Network groups(bool nested, int groups = 3, int64_t width = 20) {
  Builder b(nested ? "nested" : "independent");
  Dimension dimension{"groups", {}};
  for (int g = 1; g <= groups; ++g) dimension.choices.push_back(g);
  b.network.graph.space.dimensions = {dimension};
  const auto when = [&](int group) {
    Presence presence{0, {}};
    for (int g = group + 1; g <= groups; ++g) presence.choices.push_back(g);
    return std::vector<Presence>{presence};
  };
  const int input = b.input(3, 12, 12);
  std::vector<int> before, now;
  for (int g = 0; g < groups; ++g) {
    Node node = b.conv("conv0.g" + std::to_string(g), {Builder::from(input)}, width, {width, 3, 3, 3});
    node.norm = b.norm(node.name + ".norm", width);
    node.when = when(g);
    before.push_back(b.add(node));
  }
  for (int g = 0; g < groups; ++g) {
    std::vector<Input> inputs;
    for (int from = nested ? 0 : g; from <= g; ++from) {
      inputs.push_back(Builder::from(before[static_cast<std::size_t>(from)], 0, -1, nested ? from * width : 0));
    }
    const auto channels = static_cast<int64_t>(inputs.size()) * width;
    Node node = b.conv("conv1.g" + std::to_string(g), inputs, width, {width, channels, 3, 3}, 2);
    node.norm = b.norm(node.name + ".norm", width);
    node.when = when(g);
    now.push_back(b.add(node));
  }
  std::vector<Input> features;
  for (int g = 0; g < groups; ++g) {
    Node node = Builder::plain("pool.g" + std::to_string(g), Op::kGlobalAveragePool,
                               {Builder::from(now[static_cast<std::size_t>(g)])});
    node.when = when(g);
    features.push_back(Builder::from(b.add(node), 0, -1, g * width));
  }
  Node logits = b.conv("logits", features, 10, {10, groups * width}, 1, Activation::kNone);
  logits.bias = b.random_tensor("logits.bias", {10});
  const int answer = b.add(logits);
  b.add(Builder::plain("probabilities", Op::kSoftmax, {Builder::from(answer)}));
  for (int g = 1; g <= groups; ++g) b.member(std::to_string(g), {g});
  b.network.preprocessing = {{0.5f, 0.4f, 0.3f}, {0.2f, 0.3f, 0.25f}};
  return std::move(b.network);
}

// Fluid: a lower half, an upper half that starts inside a plane, and both together.
inline Network fluid(int64_t half = 24) {
  Builder b("fluid");
  b.network.graph.space.dimensions = {{"share", {0, 1, 2}}};  // lower, upper, all
  const Extent from = table(0, {{0, 0}, {1, half}, {2, 0}}), count = table(0, {{0, half}, {1, half}, {2, 2 * half}});
  const int input = b.input(3, 9, 9);
  Node first = b.conv("first", {Builder::from(input)}, count, {2 * half, 3, 3, 3});
  first.channels_from = from;
  first.norm = b.norm("first.norm", 2 * half);
  const int a = b.add(first);
  Node second = b.conv("second", {Builder::from(a, 0, -1, from)}, count, {2 * half, 2 * half, 3, 3});
  second.channels_from = from;
  second.bias = b.random_tensor("second.bias", {2 * half});
  const int c = b.add(second);
  const int pool = b.add([&] {
    Node node = Builder::plain("pool", Op::kMaxPool, {Builder::from(c)});
    node.kernel = 2;
    node.stride = 2;
    return node;
  }());
  // A reader of just the upper part of what `all` makes.
  Node tail = b.conv("tail", {Builder::from(pool, table(0, {{0, 0}, {1, 0}, {2, half}}), half, from)}, 16,
                     {16, 2 * half, 1, 1}, 1, Activation::kNone);
  tail.inputs.front().weight_from = table(0, {{0, 0}, {1, half}, {2, half}});
  const int t = b.add(tail);
  const int mean = b.add(Builder::plain("mean", Op::kGlobalAveragePool, {Builder::from(t)}));
  b.add(b.conv("logits", {Builder::from(mean)}, 5, {5, 16}, 1, Activation::kNone));
  b.member("lower", {0});
  b.member("upper", {1});
  b.member("all", {2});
  return std::move(b.network);
}

// An OFA stage: expand, depthwise with kernel transforms, squeeze-excite, project, residual; elastic kernel, expansion
// and depth.
inline Network ofa() {
  Builder b("ofa");
  b.network.graph.space.dimensions = {{"kernel", {3, 5, 7}}, {"expand", {2, 3}}, {"depth", {1, 2}}};
  const int64_t width = 20;
  const int input = b.input(3, 11, 11);
  int x = b.add(b.conv("stem", {Builder::from(input)}, width, {width, 3, 3, 3}, 1, Activation::kHardSwish));
  const Extent middle = table(1, {{2, 2 * width}, {3, 3 * width}});
  const int64_t most = 3 * width;
  for (int layer = 0; layer < 2; ++layer) {
    const std::string name = "block" + std::to_string(layer);
    const std::vector<Presence> when = layer == 1 ? std::vector<Presence>{{2, {2}}} : std::vector<Presence>{};
    Node expand = b.conv(name + ".expand", {Builder::from(x)}, middle, {most, width, 1, 1}, 1, Activation::kHardSwish);
    expand.norm = b.norm(name + ".expand.norm", most);
    expand.when = when;
    const int e = b.add(expand);
    Node deep = b.conv(name + ".depthwise", {Builder::from(e)}, 0, {most, 1, 7, 7}, 1, Activation::kHardSwish);
    deep.depthwise = true;
    deep.kernel = table(0, {{3, 3}, {5, 5}, {7, 7}});
    deep.norm = b.norm(name + ".depthwise.norm", most);
    deep.transforms = {{7, 5, b.random_tensor(name + ".7to5", {25, 25}, -0.3f, 0.3f)},
                       {5, 3, b.random_tensor(name + ".5to3", {9, 9}, -0.3f, 0.3f)}};
    deep.when = when;
    const int d = b.add(deep);
    Node mean = Builder::plain(name + ".mean", Op::kGlobalAveragePool, {Builder::from(d)});
    mean.when = when;
    const int m = b.add(mean);
    Node reduce = b.conv(name + ".reduce", {Builder::from(m)}, 8, {8, most, 1, 1});
    reduce.bias = b.random_tensor(name + ".reduce.bias", {8});
    reduce.when = when;
    const int r = b.add(reduce);
    Node excite = b.conv(name + ".excite", {Builder::from(r)}, middle, {most, 8, 1, 1}, 1, Activation::kHardSigmoid);
    excite.bias = b.random_tensor(name + ".excite.bias", {most});
    excite.when = when;
    const int s = b.add(excite);
    Node scale = Builder::plain(name + ".scale", Op::kMultiply, {Builder::from(d), Builder::from(s)});
    scale.when = when;
    const int y = b.add(scale);
    Node project = b.conv(name + ".project", {Builder::from(y)}, width, {width, most, 1, 1}, 1, Activation::kNone);
    project.norm = b.norm(name + ".project.norm", width);
    project.residual = x;
    project.when = when;
    project.when_absent = WhenAbsent::kDrop;
    const int p = b.add(project);
    if (layer == 1) {  // a layer beyond the chosen depth: readers get what it would have read
      Node out = Builder::plain(name + ".out", Op::kConcat, {Builder::from(p)});
      out.when = when;
      b.add(out);
    }
    x = p;
  }
  // `x` is the second block's projection; when that is absent the classifier reads the first block's.
  Node& last = b.network.graph.nodes[static_cast<std::size_t>(x)];
  const int first_block = last.residual;
  const int sum = b.add([&] {
    Node node = Builder::plain("join", Op::kAdd, {Builder::from(first_block), Builder::from(x)});
    node.activation = Activation::kRelu;
    return node;
  }());
  Node down = Builder::plain("down", Op::kAveragePool, {Builder::from(sum)});
  down.kernel = 3;
  down.stride = 2;
  down.padding = 1;
  const int d = b.add(down);
  const int mean = b.add(Builder::plain("mean", Op::kGlobalAveragePool, {Builder::from(d)}));
  b.add(b.conv("logits", {Builder::from(mean)}, 7, {7, width}, 1, Activation::kNone));
  b.member("small", {3, 2, 1});
  b.member("medium", {5, 3, 1});
  b.member("large", {7, 3, 2});
  // The small one has its own statistics for one node.
  b.network.family[0].norms.emplace_back("block0.expand", b.norm("small.block0.expand", 2 * width));
  return std::move(b.network);
}

// A decoder step: one row a time, attention over a growing cache, heads of 12 channels, two depths (bypass).
inline Network decoder(int64_t cache = 6) {
  Builder b("decoder");
  b.network.graph.space.dimensions = {{"layers", {1, 2}}};
  b.network.graph.symbols = {{"rows", 3}, {"past", cache}};
  const int64_t width = 24;
  Extent rows;
  rows.symbol = 0;
  rows.per_symbol = 1;
  int x = b.input(width, rows, 1);
  for (int layer = 0; layer < 2; ++layer) {
    const std::string name = "layer" + std::to_string(layer);
    const std::vector<Presence> when = layer == 1 ? std::vector<Presence>{{0, {2}}} : std::vector<Presence>{};
    int qkv[3];
    for (int i = 0; i < 3; ++i) {
      Node node = b.conv(name + "." + std::string(1, "qkv"[i]), {Builder::from(x)}, width, {width, width}, 1,
                         Activation::kNone);
      node.when = when;
      qkv[i] = b.add(node);
    }
    Node attention = Builder::plain(name + ".attention", Op::kAttention,
                                    {Builder::from(qkv[0]), Builder::from(qkv[1]), Builder::from(qkv[2])});
    attention.heads = 2;
    attention.state = State{1};
    attention.when = when;
    const int a = b.add(attention);
    Node out = b.conv(name + ".out", {Builder::from(a)}, width, {width, width}, 1, Activation::kNone);
    out.residual = x;
    out.when = when;
    const int o = b.add(out);
    Node feed = b.conv(name + ".feed", {Builder::from(o)}, 2 * width, {2 * width, width});
    feed.when = when;
    const int f = b.add(feed);
    Node back = b.conv(name + ".back", {Builder::from(f)}, width, {width, 2 * width}, 1, Activation::kNone);
    back.residual = o;
    back.when = when;
    const int y = b.add(back);
    // Bypass: whoever reads this when the layer is absent gets its first input's producer.
    Node gate = Builder::plain(name + ".end", Op::kAdd, {Builder::from(x), Builder::from(y)});
    gate.when = when;
    gate.when_absent = WhenAbsent::kBypass;
    x = b.add(gate);
  }
  const int logits = b.add(b.conv("logits", {Builder::from(x)}, 11, {11, width}, 1, Activation::kNone));
  b.add(Builder::plain("probabilities", Op::kSoftmax, {Builder::from(logits)}));
  b.member("shallow", {1});
  b.member("deep", {2});
  return std::move(b.network);
}

// A trunk with two early-exit heads.
inline Network early_exit() {
  Builder b("early");
  const int input = b.input(3, 10, 10);
  int x = b.add(b.conv("trunk0", {Builder::from(input)}, 40, {40, 3, 3, 3}));
  for (int stage = 1; stage <= 3; ++stage) {
    const std::string name = std::to_string(stage);
    if (stage > 1) x = b.add(b.conv("trunk" + name, {Builder::from(x)}, 40, {40, 40, 3, 3}));
    const int mean = b.add(Builder::plain("mean" + name, Op::kGlobalAveragePool, {Builder::from(x)}));
    Node head = b.conv("head" + name, {Builder::from(mean)}, 6, {6, 40}, 1, Activation::kNone);
    head.exit = stage;
    b.add(head);
  }
  b.member("all", {});
  return std::move(b.network);
}

// Grouped convolution, concatenation read by a pool, a convolution and an addition, a residual on a concatenation.
inline Network mixed() {
  Builder b("mixed");
  b.network.graph.space.dimensions = {{"width", {1, 2}}};
  const int input = b.input(3, 8, 8);
  const int a = b.add(b.conv("a", {Builder::from(input)}, table(0, {{1, 12}, {2, 20}}), {20, 3, 3, 3}));
  const int c = b.add(b.conv("c", {Builder::from(input)}, 12, {12, 3, 3, 3}));
  const int both = b.add(Builder::plain("both", Op::kConcat, {Builder::from(a), Builder::from(c)}));
  Node pool = Builder::plain("pool", Op::kMaxPool, {Builder::from(both)});
  pool.kernel = 3;
  pool.padding = 1;
  const int p = b.add(pool);
  Node grouped = b.conv("grouped", {Builder::from(p)}, table(0, {{1, 24}, {2, 32}}), {32, 8, 3, 3});
  grouped.groups = table(0, {{1, 3}, {2, 4}});
  const int g = b.add(grouped);
  Node mix =
      b.conv("mix", {Builder::from(both), Builder::from(g, 0, 8, 32)}, table(0, {{1, 24}, {2, 32}}), {32, 40, 1, 1});
  mix.residual = both;
  const int m = b.add(mix);
  Node sum = Builder::plain("sum", Op::kAdd, {Builder::from(m), Builder::from(both), Builder::from(g)});
  sum.activation = Activation::kHardSigmoid;
  const int s = b.add(sum);
  const int act = b.add([&] {
    Node node = Builder::plain("act", Op::kActivation, {Builder::from(s)});
    node.activation = Activation::kHardSwish;
    return node;
  }());
  b.add(Builder::plain("answer", Op::kConcat, {Builder::from(act), Builder::from(c, 0, 5)}));
  b.member("narrow", {1});
  b.member("wide", {2});
  return std::move(b.network);
}

}  // namespace limber::toy
