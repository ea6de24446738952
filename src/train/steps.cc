// SPDX-License-Identifier: Apache-2.0
#include "train/steps.h"

#include <algorithm>

#include "base/error.h"

namespace limber::train {
namespace {

const Node& node_at(const Graph& graph, int index) {
  return graph.nodes[static_cast<std::size_t>(index)];
}

int find_answer(const Graph& graph, const SubNetwork& network) {
  int answer = network.answer().node;
  if (node_at(graph, answer).op == Op::kSoftmax) answer = network.of(answer).inputs.front().node;
  if (node_at(graph, answer).op != Op::kLinear) {
    fail(ErrorCode::kBadFile, "graph '{}': training needs a linear node before the softmax; '{}' answers instead",
         graph.name, node_at(graph, answer).name);
  }
  return answer;
}

void require_trainable(const Graph& graph, const SubNode& sub) {
  const Node& node = node_at(graph, sub.node);
  const auto refuse = [&](const char* what) {
    fail(ErrorCode::kUnsupported, "graph '{}': node '{}': training does not know {}", graph.name, node.name, what);
  };
  if (node.op == Op::kAttention) refuse("attention");
  if (sub.height.symbol >= 0) refuse("run-time symbols");
}

void require_groups(const Graph& graph, const SubNode& sub) {
  const Node& node = node_at(graph, sub.node);
  if (!node.transforms.empty())
    fail(ErrorCode::kUnsupported,
         "graph '{}': node '{}' has kernel transforms, which channel groups do not train; a recipe with [[phase]] "
         "sections does",
         graph.name, node.name);
}

bool same(const SubNode& a, const SubNode& b) {
  return a.inputs == b.inputs && a.residual == b.residual && a.channels == b.channels &&
         a.channels_from == b.channels_from && a.kernel == b.kernel && a.padding == b.padding && a.groups == b.groups;
}

void compare(const Graph& graph, const Step& before, Step& step, const std::string& choice) {
  for (const SubNode& old : before.network.nodes) {
    const Node& node = node_at(graph, old.node);
    const int position = step.network.position[static_cast<std::size_t>(old.node)];
    if (position < 0) {
      fail(ErrorCode::kBadFile, "graph '{}': member {} lacks node '{}' of the member before; members must grow",
           graph.name, choice, node.name);
    }
    const SubNode& now = step.network.nodes[static_cast<std::size_t>(position)];
    if (old.node == step.answer) {
      const auto count = static_cast<std::ptrdiff_t>(old.inputs.size());
      if (now.inputs.size() <= old.inputs.size() ||
          !std::equal(old.inputs.begin(), old.inputs.end(), now.inputs.begin())) {
        fail(ErrorCode::kBadFile, "graph '{}': member {}: '{}' must read what it read before, then something new",
             graph.name, choice, node.name);
      }
      step.old_ranges = old.inputs;
      step.new_ranges.assign(now.inputs.begin() + count, now.inputs.end());
    } else if (!same(old, now)) {
      fail(ErrorCode::kBadFile,
           "graph '{}': member {}: node '{}' differs from the member before, so it cannot be frozen", graph.name,
           choice, node.name);
    }
    step.fresh[static_cast<std::size_t>(old.node)] = false;
  }
}

}  // namespace

std::vector<Step> plan_steps(const Graph& graph, const std::vector<Choice>& members) {
  std::vector<Step> steps;
  for (const Choice& choice : members) {
    Step step;
    step.network = resolve(graph, choice);
    step.answer = find_answer(graph, step.network);
    step.fresh.assign(graph.nodes.size(), false);
    for (const SubNode& sub : step.network.nodes) {
      require_trainable(graph, sub);
      require_groups(graph, sub);
      step.fresh[static_cast<std::size_t>(sub.node)] = true;
    }
    if (steps.empty()) {
      step.new_ranges = step.network.of(step.answer).inputs;
    } else {
      compare(graph, steps.back(), step, to_string(graph.space, choice));
    }
    steps.push_back(std::move(step));
  }
  return steps;
}

Step sub_network_step(const Graph& graph, const Choice& choice) {
  Step step;
  step.network = resolve(graph, choice);
  step.answer = find_answer(graph, step.network);
  step.fresh.assign(graph.nodes.size(), true);
  step.new_ranges = step.network.of(step.answer).inputs;
  step.own_columns = false;
  for (const SubNode& sub : step.network.nodes) require_trainable(graph, sub);
  return step;
}

std::map<std::string, std::vector<int64_t>> tensor_shapes(const Graph& graph, const std::vector<Step>& steps) {
  std::map<std::string, std::vector<int64_t>> shapes;
  const auto grow = [&](const std::string& name, const std::vector<int64_t>& shape) {
    std::vector<int64_t>& known = shapes[name];
    known.resize(shape.size(), 0);
    for (std::size_t i = 0; i < shape.size(); ++i) known[i] = std::max(known[i], shape[i]);
  };
  for (const Step& step : steps) {
    for (const SubNode& sub : step.network.nodes) {
      const Node& node = node_at(graph, sub.node);
      if (node.op != Op::kConv2d && node.op != Op::kLinear) continue;
      const int64_t outputs = sub.channels_from + sub.channels;
      int64_t inputs = 0;
      for (const Range& range : sub.inputs) inputs = std::max(inputs, range.weight_from + range.count);
      if (node.op == Op::kLinear)
        grow(node.weight, {outputs, inputs});
      else
        grow(node.weight, {outputs, node.depthwise ? 1 : inputs / sub.groups, sub.kernel, sub.kernel});
      if (!node.bias.empty()) grow(node.bias, {outputs});
      for (const KernelTransform& transform : node.transforms)
        grow(transform.matrix, {transform.to * transform.to, transform.to * transform.to});
      if (node.norm) {
        for (const std::string& name : {node.norm->weight, node.norm->bias, node.norm->mean, node.norm->variance})
          grow(name, {outputs});
      }
    }
  }
  return shapes;
}

}  // namespace limber::train
