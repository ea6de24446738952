// SPDX-License-Identifier: Apache-2.0
#include "formats/fuse.h"

#include <algorithm>
#include <cmath>

namespace limber {
namespace {

bool weighted(const Node& node) {
  return node.op == Op::kConv2d || node.op == Op::kLinear;
}

class Fuser {
 public:
  Fuser(Graph& graph, WeightStore& weights)
      : nodes_(graph.nodes), weights_(weights), readers_(nodes_.size(), 0), needed_(nodes_.size(), false) {}

  void run() {
    mark_needed();
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      if (!needed_[i]) continue;
      join_affine(i);
      join_sum(i);
      join_activation(i);
    }
    drop_unneeded();
  }

 private:
  Node& at(int node) { return nodes_[static_cast<std::size_t>(node)]; }

  void mark_needed() {
    needed_.back() = true;
    readers_.back() = 1;  // whoever wants the answer
    for (std::size_t i = nodes_.size(); i > 0; --i) {
      if (!needed_[i - 1]) continue;
      for (const Input& input : nodes_[i - 1].inputs) {
        needed_[static_cast<std::size_t>(input.node)] = true;
        ++readers_[static_cast<std::size_t>(input.node)];
      }
    }
    needed_[0] = true;  // the input
  }

  // The node that input `which` reads whole and that nobody else reads; -1 if there is none.
  int own_producer(const Node& node, std::size_t which) const {
    const Input& input = node.inputs[which];
    const bool whole = input.from.constant == 0 && input.count.constant == -1;
    return whole && readers_[static_cast<std::size_t>(input.node)] == 1 ? input.node : -1;
  }

  // The earlier node takes the later one's place: all that it reads is still before it.
  void take_place(int earlier, std::size_t later) {
    nodes_[later] = std::move(at(earlier));
    needed_[static_cast<std::size_t>(earlier)] = false;
  }

  bool is_affine(const Node& node) const {
    return node.op == Op::kConv2d && node.depthwise && node.kernel.constant == 1 && node.stride == 1 &&
           node.padding == 0 && node.inputs.size() == 1;
  }

  void join_affine(std::size_t i) {
    const Node& node = nodes_[i];
    if (!is_affine(node)) return;
    const int producer = own_producer(node, 0);
    if (producer < 0 || !weighted(at(producer)) || at(producer).activation != Activation::kNone ||
        at(producer).residual >= 0) {
      return;
    }
    Node& before = at(producer);
    const std::vector<float> weight = weights_.values(node.weight);
    const bool only_norm =
        node.norm && node.bias.empty() && std::all_of(weight.begin(), weight.end(), [](float w) { return w == 1; });
    if (only_norm && !before.norm) {
      before.norm = node.norm;
    } else {
      scale(before, node, weight);
    }
    take_place(producer, i);
  }

  void scale(Node& before, const Node& affine, std::vector<float> factor) {
    std::vector<float> shift(factor.size(), 0);
    if (!affine.bias.empty()) shift = weights_.values(affine.bias);
    if (affine.norm) {
      const std::vector<float> w = weights_.values(affine.norm->weight), b = weights_.values(affine.norm->bias),
                               mean = weights_.values(affine.norm->mean),
                               variance = weights_.values(affine.norm->variance);
      for (std::size_t c = 0; c < factor.size(); ++c) {
        const float own = w[c] / std::sqrt(variance[c] + affine.norm->epsilon);
        shift[c] = (shift[c] - mean[c]) * own + b[c];
        factor[c] *= own;
      }
    }
    const auto channels = static_cast<int64_t>(factor.size());
    std::string& bias = before.norm ? before.norm->bias : before.bias;
    std::vector<float> biases = bias.empty() ? std::vector<float>(factor.size(), 0) : weights_.values(bias);
    for (std::size_t c = 0; c < factor.size(); ++c) biases[c] = biases[c] * factor[c] + shift[c];
    bias = weights_.add(bias.empty() ? before.name + ".bias" : bias, {channels}, std::move(biases));
    if (std::all_of(factor.begin(), factor.end(), [](float f) { return f == 1; })) return;
    std::string& weight = before.norm ? before.norm->weight : before.weight;
    std::vector<float> values = weights_.values(weight);
    const std::size_t row = values.size() / factor.size();
    for (std::size_t i = 0; i < values.size(); ++i) values[i] *= factor[i / row];
    weight = weights_.add(weight, weights_.tensor(weight).shape, std::move(values));
  }

  void join_sum(std::size_t i) {
    const Node& node = nodes_[i];
    if (node.op != Op::kAdd || node.inputs.size() != 2) return;
    int producer = -1;
    std::size_t which = 0;
    for (const std::size_t candidate : {0, 1}) {  // the later one: what it reads need not stay longer
      const int found = own_producer(node, candidate);
      const Input& other = node.inputs[1 - candidate];
      const bool whole = other.from.constant == 0 && other.count.constant == -1;
      if (found > producer && whole && weighted(at(found)) && at(found).activation == Activation::kNone &&
          at(found).residual < 0) {
        producer = found;
        which = candidate;
      }
    }
    if (producer < 0) return;
    at(producer).residual = node.inputs[1 - which].node;
    take_place(producer, i);
  }

  void join_activation(std::size_t i) {
    const Node& node = nodes_[i];
    if (node.op != Op::kActivation || node.inputs.size() != 1) return;
    const int producer = own_producer(node, 0);
    if (producer < 0) return;
    const bool same_or_narrower = at(producer).activation == Activation::kRelu &&
                                  (node.activation == Activation::kRelu || node.activation == Activation::kRelu6);
    if (at(producer).activation != Activation::kNone && !same_or_narrower) return;
    const bool activates = weighted(at(producer)) || at(producer).op == Op::kActivation ||
                           at(producer).op == Op::kAdd || at(producer).op == Op::kMultiply;
    if (!activates) return;
    at(producer).activation = node.activation;
    take_place(producer, i);
  }

  void drop_unneeded() {
    std::vector<int> place(nodes_.size(), -1);
    std::vector<Node> kept;
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      if (!needed_[i]) continue;
      for (Input& input : nodes_[i].inputs) input.node = place[static_cast<std::size_t>(input.node)];
      if (nodes_[i].residual >= 0) nodes_[i].residual = place[static_cast<std::size_t>(nodes_[i].residual)];
      place[i] = static_cast<int>(kept.size());
      kept.push_back(std::move(nodes_[i]));
    }
    nodes_ = std::move(kept);
  }

  std::vector<Node>& nodes_;
  WeightStore& weights_;
  std::vector<int> readers_;
  std::vector<bool> needed_;
};

}  // namespace

void fuse(Graph& graph, WeightStore& weights) {
  Fuser(graph, weights).run();
}

}  // namespace limber
