// SPDX-License-Identifier: Apache-2.0
#include "formats/onnx_export.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <map>

#include "base/atomic_file.h"
#include "base/error.h"
#include "formats/folded_conv.h"
#include "formats/onnx_graph.h"
#include "network/sub_network.h"

namespace limber {
namespace {

class Exporter {
 public:
  Exporter(const Network& network, const Member& member, OnnxForm form)
      : network_(network), member_(member), form_(form), sub_(resolve(network.graph, member.choice)) {
    places_.resize(network.graph.nodes.size());
  }

  onnx::ModelProto run() {
    // Level by level, so that nodes of different groups meet.
    std::vector<int> level(network_.graph.nodes.size(), 0);
    std::map<int, std::vector<const SubNode*>> levels;
    for (const SubNode& part : sub_.nodes) {
      int& own = level[part.node];
      for (const Range& range : part.inputs) own = std::max(own, level[range.node] + 1);
      if (part.residual >= 0) own = std::max(own, level[part.residual] + 1);
      levels[own].push_back(&part);
    }
    for (auto& [unused, parts] : levels) {
      while (!parts.empty()) {
        const std::vector<const SubNode*> together = alike(parts);
        emit(together);
        std::erase_if(
            parts, [&](const SubNode* p) { return std::find(together.begin(), together.end(), p) != together.end(); });
      }
    }
    return finish();
  }

 private:
  const Node& node(const SubNode& part) const { return network_.graph.nodes[part.node]; }

  // --- which nodes become one ---
  bool same_attributes(const SubNode& a, const SubNode& b) const {
    const Node &x = node(a), &y = node(b);
    return x.op == y.op && a.kernel == b.kernel && x.stride == y.stride && a.padding == b.padding &&
           x.activation == y.activation && x.depthwise == y.depthwise && a.groups == b.groups;
  }

  // The first node of `parts` and those that can be one ONNX operator with it; just itself if none.
  std::vector<const SubNode*> alike(const std::vector<const SubNode*>& parts) const {
    const SubNode& first = *parts[0];
    const Op op = node(first).op;
    const bool pool =
        op == Op::kMaxPool || op == Op::kAveragePool || op == Op::kGlobalAveragePool || op == Op::kActivation;
    if (form_ == OnnxForm::kSeparate || (op != Op::kConv2d && !pool)) return {&first};
    std::vector<const SubNode*> same_input, own_input;
    for (const SubNode* part : parts) {
      if (!same_attributes(first, *part) || node(*part).depthwise || (op == Op::kConv2d && part->groups != 1)) continue;
      if (op == Op::kConv2d && part->inputs == first.inputs && part->residual < 0 && first.residual < 0)
        same_input.push_back(part);
      if (part->inputs.size() == 1 && part->channels == first.channels &&
          part->inputs[0].count == first.inputs[0].count && (part->residual < 0) == (first.residual < 0)) {
        own_input.push_back(part);
      }
    }
    if (same_input.size() > 1) return same_input;
    std::vector<Range> ranges, residuals;
    for (const SubNode* part : own_input) {
      ranges.push_back(part->inputs[0]);
      if (part->residual >= 0) residuals.push_back({part->residual, 0, part->channels, 0});
    }
    if (own_input.size() > 1 && covers(ranges) && (residuals.empty() || covers(residuals))) return own_input;
    return {&first};
  }

  OnnxPlace place(const Range& range) const {
    OnnxPlace result = places_[range.node];
    result.from += range.from;
    result.count = range.count;
    return result;
  }

  // The ranges in this order are exactly one whole tensor.
  bool covers(const std::vector<Range>& ranges) const {
    int64_t end = 0;
    for (const Range& range : ranges) {
      const OnnxPlace at = place(range);
      if (at.tensor != place(ranges[0]).tensor || at.from != end) return false;
      end += at.count;
    }
    return end == place(ranges[0]).whole;
  }

  std::string gather(const std::vector<Range>& ranges) {
    std::vector<OnnxPlace> places;
    for (const Range& range : ranges) places.push_back(place(range));
    return graph_.gather(places);
  }

  // --- operators ---
  std::string residual(const std::vector<const SubNode*>& parts, const std::string& from, const std::string& name) {
    if (parts[0]->residual < 0) return from;
    std::vector<Range> ranges;
    for (const SubNode* part : parts) ranges.push_back({part->residual, 0, part->channels, 0});
    graph_.add("Add", {from, gather(ranges)}, name + ".sum");
    return name + ".sum";
  }

  std::string convolve(const std::vector<const SubNode*>& parts, const std::string& name) {
    const SubNode& first = *parts[0];
    const bool same_input = parts.size() == 1 || parts[1]->inputs == first.inputs;
    std::vector<Range> ranges = first.inputs;
    FoldedConv all;
    for (const SubNode* part : parts) {
      if (!same_input && part != &first) ranges.push_back(part->inputs[0]);
      const FoldedConv one = fold_conv(network_, member_, *part);
      all.weight.insert(all.weight.end(), one.weight.begin(), one.weight.end());
      all.bias.insert(all.bias.end(), one.bias.begin(), one.bias.end());
      all.outputs += one.outputs;
      all.inputs = one.inputs;
      all.kernel = one.kernel;
    }
    int64_t groups = first.groups;
    if (!same_input) groups = static_cast<int64_t>(parts.size());
    const std::string weight =
        graph_.constant(name + ".weight", {all.outputs, all.inputs, all.kernel, all.kernel}, all.weight);
    const std::string bias = graph_.constant(name + ".bias", {all.outputs}, all.bias);
    onnx::NodeProto* made = graph_.add("Conv", {gather(ranges), weight, bias}, name);
    OnnxGraph::set(made, "kernel_shape", {all.kernel, all.kernel});
    OnnxGraph::set(made, "strides", {node(first).stride, node(first).stride});
    OnnxGraph::set(made, "pads", std::vector<int64_t>(4, first.padding));
    OnnxGraph::set(made, "group", groups);
    return graph_.activate(residual(parts, name, name), node(first).activation, name);
  }

  // A product of matrices where there is one pixel; else a 1x1 convolution.
  std::string multiply_matrix(const SubNode& part, const std::string& name) {
    const FoldedConv all = fold_conv(network_, member_, part);
    const std::string from = gather(part.inputs);
    if (part.height.constant * part.width != 1) return convolve({&part}, name);
    const std::string weight = graph_.constant(name + ".weight", {all.outputs, all.inputs}, all.weight);
    const std::string bias = graph_.constant(name + ".bias", {all.outputs}, all.bias);
    graph_.add("Flatten", {from}, name + ".flat");
    OnnxGraph::set(graph_.add("Gemm", {name + ".flat", weight, bias}, name + ".product"), "transB", int64_t{1});
    const std::string shape = graph_.constant(name + ".shape", {4}, std::vector<int64_t>{1, part.channels, 1, 1});
    graph_.add("Reshape", {name + ".product", shape}, name);
    return graph_.activate(residual({&part}, name, name), node(part).activation, name);
  }

  std::string pool(const std::vector<const SubNode*>& parts, const char* type, const std::string& name) {
    std::vector<Range> ranges;
    for (const SubNode* part : parts) ranges.insert(ranges.end(), part->inputs.begin(), part->inputs.end());
    onnx::NodeProto* made = graph_.add(type, {gather(ranges)}, name);
    if (node(*parts[0]).op == Op::kGlobalAveragePool) return name;
    OnnxGraph::set(made, "kernel_shape", {parts[0]->kernel, parts[0]->kernel});
    OnnxGraph::set(made, "strides", {node(*parts[0]).stride, node(*parts[0]).stride});
    OnnxGraph::set(made, "pads", std::vector<int64_t>(4, parts[0]->padding));
    if (node(*parts[0]).op == Op::kAveragePool) OnnxGraph::set(made, "count_include_pad", int64_t{1});
    return name;
  }

  std::string pairwise(const SubNode& part, const char* type, const std::string& name) {
    std::string sum = gather({part.inputs.at(0)});
    for (std::size_t i = 1; i < part.inputs.size(); ++i) {
      const std::string next = i + 1 == part.inputs.size() ? name : fmt::format("{}.{}", name, i);
      graph_.add(type, {sum, gather({part.inputs[i]})}, next);
      sum = next;
    }
    return graph_.activate(sum, node(part).activation, name);
  }

  void emit(const std::vector<const SubNode*>& parts) {
    const SubNode& first = *parts[0];
    const Node& what = node(first);
    if (first.height.symbol >= 0)
      fail(ErrorCode::kUnsupported, "node '{}': run-time symbols are not exported", what.name);
    std::string name = what.name;
    for (std::size_t i = 1; i < parts.size(); ++i) name += "+" + node(*parts[i]).name;
    std::string made;
    switch (what.op) {
      case Op::kInput:
        made = input(first);
        break;
      case Op::kConv2d:
        made = convolve(parts, name);
        break;
      case Op::kLinear:
        made = multiply_matrix(first, name);
        break;
      case Op::kActivation: {
        std::vector<Range> ranges;
        for (const SubNode* part : parts) ranges.insert(ranges.end(), part->inputs.begin(), part->inputs.end());
        made = graph_.activate(gather(ranges), what.activation, name);
        break;
      }
      case Op::kAdd:
        made = pairwise(first, "Add", name);
        break;
      case Op::kMultiply:
        made = pairwise(first, "Mul", name);
        break;
      case Op::kConcat:
        made = gather(first.inputs);
        break;
      case Op::kMaxPool:
        made = pool(parts, "MaxPool", name);
        break;
      case Op::kAveragePool:
        made = pool(parts, "AveragePool", name);
        break;
      case Op::kGlobalAveragePool:
        made = pool(parts, "GlobalAveragePool", name);
        break;
      case Op::kSoftmax:
        OnnxGraph::set(graph_.add("Softmax", {gather(first.inputs)}, name), "axis", int64_t{1}), made = name;
        break;
      case Op::kAttention:
        fail(ErrorCode::kUnsupported, "node '{}': attention is not exported", what.name);
    }
    int64_t whole = 0, from = 0;
    for (const SubNode* part : parts) whole += part->channels;
    for (const SubNode* part : parts) {
      places_[part->node] = {made, from, part->channels, whole};
      from += part->channels;
    }
  }

  std::string input(const SubNode& part) {
    graph_.add_input("input", {1, part.channels, part.height.constant, part.width});
    return "input";
  }

  onnx::ModelProto finish() {
    const SubNode& answer = sub_.answer();
    const int64_t outputs = answer.channels * answer.height.constant * answer.width;
    graph_.add("Flatten", {gather({{answer.node, 0, answer.channels, 0}})}, "output");
    graph_.add_output("output", {1, outputs});
    return graph_.finish(network_.name + " " + member_.name,
                         {{"mean", fmt::format("{}", fmt::join(network_.preprocessing.mean, ","))},
                          {"deviation", fmt::format("{}", fmt::join(network_.preprocessing.deviation, ","))}});
  }

  const Network& network_;
  const Member& member_;
  OnnxForm form_;
  SubNetwork sub_;
  std::vector<OnnxPlace> places_;  // of each graph node
  OnnxGraph graph_;
};

}  // namespace

std::string export_onnx(const Network& network, const std::string& member, OnnxForm form) {
  std::vector<std::string> legal;
  for (const Member& candidate : network.family) {
    if (candidate.name == member) return Exporter(network, candidate, form).run().SerializeAsString();
    legal.push_back(candidate.name);
  }
  fail(ErrorCode::kInvalidArgument, "no member '{}'; legal: {}", member, fmt::join(legal, ", "));
}

void write_onnx(const Network& network, const std::string& member, const std::string& path, OnnxForm form) {
  const std::string bytes = export_onnx(network, member, form);
  AtomicFile file(path);
  file.write(bytes);
  file.commit();
}

}  // namespace limber
