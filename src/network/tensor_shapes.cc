// SPDX-License-Identifier: Apache-2.0
#include "network/tensor_shapes.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/error.h"
#include "network/sub_network.h"

namespace limber {
namespace {

// Extents of a node's weight over all choices looked at.
struct Extents {
  int64_t outputs = 0, inputs = 0, kernel = 1;
};

class Measure {
 public:
  Measure(const Graph& graph, const std::vector<Choice>& more) : graph_(graph) {
    for (const Choice& choice : more) try_choice(choice);
    for (const Choice& start : {largest_choice(graph.space), smallest_choice(graph.space)}) {
      try_choice(start);
      for (std::size_t i = 0; i < start.size(); ++i) {
        Choice choice = start;
        for (const int64_t value : graph.space.dimensions[i].choices) {
          choice[i] = value;
          if (value != start[i]) try_choice(choice);
        }
      }
    }
  }

  const Extents* find(const std::string& weight) const {
    const auto found = extents_.find(weight);
    return found == extents_.end() ? nullptr : &found->second;
  }

 private:
  void add(const SubNetwork& sub) {
    for (const SubNode& part : sub.nodes) {
      const Node& node = graph_.nodes[static_cast<std::size_t>(part.node)];
      if (node.weight.empty()) continue;
      Extents& extents = extents_[node.weight];
      extents.outputs = std::max(extents.outputs, part.channels_from + part.channels);
      extents.kernel = std::max(extents.kernel, part.kernel);
      for (const KernelTransform& transform : node.transforms)
        extents.kernel = std::max(extents.kernel, transform.from);
      if (node.depthwise) {
        extents.inputs = 1;
      } else if (part.groups > 1) {
        extents.inputs = std::max(extents.inputs, part.input_channels() / part.groups);
      } else {
        for (const Range& range : part.inputs)
          extents.inputs = std::max(extents.inputs, range.weight_from + range.count);
      }
    }
  }

  // The answer and every exit.
  void try_choice(const Choice& choice) {
    for (int answer = -1; answer < static_cast<int>(graph_.nodes.size()); ++answer) {
      if (answer >= 0 && graph_.nodes[static_cast<std::size_t>(answer)].exit == 0) continue;
      try {
        add(resolve(graph_, choice, answer));
      } catch (const Error& error) {
        // A design space may hold combinations that make no network; what nobody can choose needs no weights.
        if (error.code() != ErrorCode::kInvalidArgument) throw;
      }
    }
  }

  const Graph& graph_;
  std::map<std::string, Extents> extents_;  // by weight
};

}  // namespace

std::vector<TensorShape> tensor_shapes(const Graph& graph, const std::vector<Choice>& more) {
  const Measure measure(graph, more);
  std::vector<TensorShape> shapes;
  std::set<std::string> named;  // tensors may be shared by several nodes
  const auto add = [&](const std::string& name, std::vector<int64_t> shape) {
    if (!name.empty() && named.insert(name).second) shapes.push_back({name, std::move(shape)});
  };
  for (const Node& node : graph.nodes) {
    const Extents* extents = measure.find(node.weight);
    if (extents == nullptr) continue;
    const auto [outputs, inputs, kernel] = *extents;
    add(node.weight,
        node.op == Op::kLinear ? std::vector{outputs, inputs} : std::vector{outputs, inputs, kernel, kernel});
    add(node.bias, {outputs});
    if (node.norm) {
      for (const std::string& name : {node.norm->weight, node.norm->bias, node.norm->mean, node.norm->variance}) {
        add(name, {outputs});
      }
    }
    for (const KernelTransform& transform : node.transforms) {
      add(transform.matrix, {transform.to * transform.to, transform.to * transform.to});
    }
  }
  return shapes;
}

}  // namespace limber
