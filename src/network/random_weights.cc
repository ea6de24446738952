// SPDX-License-Identifier: Apache-2.0
#include "network/random_weights.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <map>
#include <numeric>
#include <utility>

#include "network/check.h"
#include "network/sub_network.h"
#include "network/tensor_shapes.h"

namespace limber {
namespace {

// splitmix64 (Steele, Lea, Flood 2014): tiny, and the same everywhere, which std's distributions are not.
class Draw {
 public:
  Draw(uint64_t seed, const std::string& name) : state_(seed) {
    for (const char c : name) state_ = (state_ ^ static_cast<unsigned char>(c)) * 0x100000001b3u;  // FNV-1a
  }
  float between(float low, float high) {
    uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return low + (high - low) * static_cast<float>((z ^ (z >> 31)) >> 40) * 0x1p-24f;
  }

 private:
  uint64_t state_;
};

class Maker {
 public:
  Maker(Network& network, uint64_t seed) : network_(network), seed_(seed) {}

  void run() {
    std::vector<Choice> choices;
    for (const Member& member : network_.family) choices.push_back(member.choice);
    for (TensorShape& tensor : tensor_shapes(network_.graph, choices)) shapes_[tensor.name] = std::move(tensor.shape);
    const std::vector<Node>& nodes = network_.graph.nodes;
    for (std::size_t i = 0; i < nodes.size(); ++i) square_.push_back(fill(nodes[i]));
    for (const Member& member : network_.family) {
      for (const auto& [name, norm] : member.norms) {
        const auto node =
            std::find_if(nodes.begin(), nodes.end(), [&name = name](const Node& n) { return n.name == name; });
        if (node == nodes.end() || !shapes_.contains(node->weight)) continue;
        add_norm(norm, shapes_[node->weight][0], std::sqrt(square_of(node->inputs)));
      }
    }
  }

 private:
  template <typename Value>  // value(draw, index)
  void add(const std::string& name, std::vector<int64_t> shape, Value value) {
    if (std::exchange(made_[name], true)) return;  // shared by several nodes
    int64_t count = 1;
    for (const int64_t extent : shape) count *= extent;
    auto values = std::make_shared<std::vector<float>>(static_cast<std::size_t>(count));
    Draw draw(seed_, name);
    for (std::size_t i = 0; i < values->size(); ++i) (*values)[i] = value(draw, i);
    network_.tensors.push_back({name, DType::kF32, std::move(shape), std::as_bytes(std::span(*values)), values});
  }

  void add_norm(const Norm& norm, int64_t channels, float deviation) {
    add(norm.weight, {channels}, [](Draw& draw, std::size_t) { return draw.between(0.8f, 1.2f); });
    add(norm.bias, {channels}, [](Draw& draw, std::size_t) { return draw.between(-0.3f, 0.3f); });
    add(norm.mean, {channels}, [&](Draw& draw, std::size_t) { return deviation * draw.between(-0.2f, 0.2f); });
    add(norm.variance, {channels},
        [&](Draw& draw, std::size_t) { return deviation * deviation * draw.between(0.7f, 1.4f); });
  }

  // The mean square that a node's output roughly has after an activation, if before it the square was `square`.
  static float activated(Activation activation, float square) {
    if (activation == Activation::kHardSigmoid) return 0.3f;
    return activation == Activation::kNone ? square : 0.5f * square;
  }

  float square_of(const std::vector<Input>& inputs) const {
    float sum = 0;
    for (const Input& input : inputs) sum += square_[static_cast<std::size_t>(input.node)];
    return sum / static_cast<float>(inputs.size());
  }

  // Makes the node's tensors; returns the mean square of its output.
  float fill(const Node& node) {
    if (node.op == Op::kInput) return 1;
    float square = square_of(node.inputs);
    if (node.op == Op::kAdd) square *= static_cast<float>(node.inputs.size());
    if (node.op == Op::kMultiply) square = square_of({node.inputs[0]}) * square_of({node.inputs[1]});
    const auto found = shapes_.find(node.weight);
    if (found == shapes_.end()) return activated(node.activation, square);
    const std::vector<int64_t>& shape = found->second;
    const int64_t outputs = shape[0];
    const auto fan =
        static_cast<float>(std::accumulate(shape.begin() + 1, shape.end(), int64_t{1}, std::multiplies<>()));
    // Without a norm the weights must keep the scale themselves: variance 1 / (fan * mean square of what they read).
    const float bound = std::sqrt(3 / (fan * (node.norm ? 1 : square)));
    add(node.weight, shape, [&](Draw& draw, std::size_t) { return draw.between(-bound, bound); });
    if (!node.bias.empty()) {
      add(node.bias, {outputs}, [](Draw& draw, std::size_t) { return draw.between(-0.1f, 0.1f); });
    }
    if (node.norm) add_norm(*node.norm, outputs, std::sqrt(square));
    for (const KernelTransform& transform : node.transforms) {
      const int64_t taps = transform.to * transform.to;
      add(transform.matrix, {taps, taps}, [&](Draw& draw, std::size_t i) {
        return (i % static_cast<std::size_t>(taps + 1) == 0 ? 1.0f : 0.0f) + draw.between(-0.02f, 0.02f);
      });
    }
    square = 1;
    if (node.residual >= 0) square += square_[static_cast<std::size_t>(node.residual)];
    return activated(node.activation, square);
  }

  Network& network_;
  uint64_t seed_;
  std::map<std::string, std::vector<int64_t>> shapes_;  // of every tensor
  std::map<std::string, bool> made_;
  std::vector<float> square_;  // of each node's output
};

}  // namespace

Network with_random_weights(Graph graph, std::vector<Member> family, uint64_t seed) {
  check(graph);
  Network network;
  network.name = graph.name;
  network.graph = std::move(graph);
  network.family = std::move(family);
  if (network.family.empty()) network.family.push_back({"largest", largest_choice(network.graph.space), {}, {}});
  Maker(network, seed).run();
  for (const SubNode& part : resolve(network.graph, network.family.front().choice).nodes) {
    if (network.graph.nodes[static_cast<std::size_t>(part.node)].op != Op::kInput) continue;
    network.preprocessing.mean.assign(static_cast<std::size_t>(part.channels), 0.45f);
    network.preprocessing.deviation.assign(static_cast<std::size_t>(part.channels), 0.25f);
  }
  check(network);
  return network;
}

}  // namespace limber
