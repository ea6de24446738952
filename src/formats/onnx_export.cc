// SPDX-License-Identifier: Apache-2.0
#include "formats/onnx_export.h"

#include <fmt/ranges.h>
#include <onnx/checker.h>
#include <onnx/onnx_pb.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/half.h"
#include "network/check.h"
#include "network/sub_network.h"

namespace limber {
namespace {

constexpr int64_t kOpset = 14;  // the first with HardSwish

std::vector<float> floats(const Network& network, const std::string& name) {
  const Tensor* tensor = find_tensor(network, name);
  if (tensor == nullptr) fail(ErrorCode::kInternal, "no tensor '{}'", name);
  std::vector<float> values;
  const std::byte* bytes = tensor->bytes.data();
  if (tensor->dtype == DType::kF32) {
    values.resize(tensor->bytes.size() / 4);
    std::memcpy(values.data(), bytes, tensor->bytes.size());
  } else if (tensor->dtype == DType::kF16) {
    for (std::size_t i = 0; i + 1 < tensor->bytes.size(); i += 2) {
      uint16_t half;
      std::memcpy(&half, bytes + i, 2);
      values.push_back(half_to_float(half));
    }
  } else {
    fail(ErrorCode::kUnsupported, "tensor '{}' is {}; ONNX export knows F32 and F16", name, dtype_name(tensor->dtype));
  }
  return values;
}

// Where a node's output lies: channels [from, from + count) of an ONNX tensor that has `whole` channels.
struct Place {
  std::string tensor;
  int64_t from = 0, count = 0, whole = 0;
};

// Weights of one convolution, folded: [outputs][inputs][kernel][kernel] and a bias.
struct Folded {
  std::vector<float> weight, bias;
  int64_t outputs = 0, inputs = 0, kernel = 1;
};

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

  Place place(const Range& range) const {
    Place result = places_[range.node];
    result.from += range.from;
    result.count = range.count;
    return result;
  }

  // The ranges in this order are exactly one whole tensor.
  bool covers(const std::vector<Range>& ranges) const {
    int64_t end = 0;
    for (const Range& range : ranges) {
      const Place at = place(range);
      if (at.tensor != place(ranges[0]).tensor || at.from != end) return false;
      end += at.count;
    }
    return end == place(ranges[0]).whole;
  }

  // --- pieces of ONNX ---
  onnx::NodeProto* add(const char* type, const std::vector<std::string>& inputs, const std::string& output) {
    onnx::NodeProto* result = model_.mutable_graph()->add_node();
    result->set_op_type(type);
    result->set_name(output);
    for (const std::string& input : inputs) result->add_input(input);
    result->add_output(output);
    return result;
  }

  static void set(onnx::NodeProto* to, const char* name, const std::vector<int64_t>& values) {
    onnx::AttributeProto* attribute = to->add_attribute();
    attribute->set_name(name);
    attribute->set_type(onnx::AttributeProto::INTS);
    for (const int64_t value : values) attribute->add_ints(value);
  }
  static void set(onnx::NodeProto* to, const char* name, int64_t value) {
    onnx::AttributeProto* attribute = to->add_attribute();
    attribute->set_name(name);
    attribute->set_type(onnx::AttributeProto::INT);
    attribute->set_i(value);
  }
  static void set(onnx::NodeProto* to, const char* name, float value) {
    onnx::AttributeProto* attribute = to->add_attribute();
    attribute->set_name(name);
    attribute->set_type(onnx::AttributeProto::FLOAT);
    attribute->set_f(value);
  }

  template <typename T>
  std::string constant(const std::string& name, const std::vector<int64_t>& shape, const std::vector<T>& values) {
    onnx::TensorProto* tensor = model_.mutable_graph()->add_initializer();
    tensor->set_name(name);
    tensor->set_data_type(std::is_same_v<T, float> ? onnx::TensorProto::FLOAT : onnx::TensorProto::INT64);
    for (const int64_t extent : shape) tensor->add_dims(extent);
    tensor->set_raw_data(values.data(), values.size() * sizeof(T));
    return name;
  }

  // One tensor that holds the ranges in order: the tensor itself, a slice, or a concatenation, each made once.
  std::string gather(const std::vector<Range>& ranges) {
    std::vector<Place> pieces;  // neighbours joined
    for (const Range& range : ranges) {
      const Place at = place(range);
      if (!pieces.empty() && pieces.back().tensor == at.tensor && pieces.back().from + pieces.back().count == at.from) {
        pieces.back().count += at.count;
      } else {
        pieces.push_back(at);
      }
    }
    std::vector<std::string> names;
    for (const Place& piece : pieces) {
      if (piece.count == piece.whole) {
        names.push_back(piece.tensor);
        continue;
      }
      const std::string name = fmt::format("{}[{}:{}]", piece.tensor, piece.from, piece.from + piece.count);
      if (made_.insert({name, name}).second) {
        const std::string from = constant<int64_t>(name + ".from", {1}, {piece.from});
        const std::string to = constant<int64_t>(name + ".to", {1}, {piece.from + piece.count});
        const std::string axis = constant<int64_t>(name + ".axis", {1}, {1});
        add("Slice", {piece.tensor, from, to, axis}, name);
      }
      names.push_back(name);
    }
    if (names.size() == 1) return names[0];
    const std::string key = fmt::format("{}", fmt::join(names, "+"));
    const auto [entry, fresh] = made_.insert({key, fmt::format("concat{}", made_.size())});
    if (fresh) set(add("Concat", names, entry->second), "axis", int64_t{1});
    return entry->second;
  }

  std::string activate(const std::string& from, Activation activation, const std::string& name) {
    switch (activation) {
      case Activation::kNone:
        return from;
      case Activation::kRelu:
        add("Relu", {from}, name + ".relu");
        return name + ".relu";
      case Activation::kHardSwish:
        add("HardSwish", {from}, name + ".hard_swish");
        return name + ".hard_swish";
      case Activation::kHardSigmoid: {
        onnx::NodeProto* made = add("HardSigmoid", {from}, name + ".hard_sigmoid");
        set(made, "alpha", 1.0f / 6);
        set(made, "beta", 0.5f);
        return name + ".hard_sigmoid";
      }
    }
    return from;
  }

  // --- weights ---
  std::vector<float> shrink_kernel(const SubNode& part, std::vector<float> values, int64_t filters,
                                   int64_t* kernel) const {
    while (*kernel != part.kernel) {
      const auto& steps = node(part).transforms;
      const KernelTransform* step = nullptr;
      for (int64_t wanted = part.kernel;
           wanted != *kernel;) {  // the chain ends at the stored kernel; take its last link
        const auto found =
            std::find_if(steps.begin(), steps.end(), [&](const KernelTransform& s) { return s.to == wanted; });
        if (found == steps.end()) fail(ErrorCode::kInternal, "node '{}': no transform to {}", node(part).name, wanted);
        step = &*found;
        wanted = found->from;
      }
      const std::vector<float> matrix = floats(network_, step->matrix);
      const int64_t to = step->to, skip = (*kernel - to) / 2, area = to * to;
      std::vector<float> small(static_cast<std::size_t>(filters * area));
      for (int64_t f = 0; f < filters; ++f) {
        for (int64_t i = 0; i < area; ++i) {
          float sum = 0;
          for (int64_t j = 0; j < area; ++j) {
            sum += matrix[i * area + j] * values[(f * *kernel + skip + j / to) * *kernel + skip + j % to];
          }
          small[f * area + i] = sum;
        }
      }
      values = std::move(small);
      *kernel = to;
    }
    return values;
  }

  Folded fold(const SubNode& part) const {
    const Node& what = node(part);
    const Tensor* tensor = find_tensor(network_, what.weight);
    int64_t kernel = tensor->shape.size() == 4 ? tensor->shape[2] : 1;
    const int64_t stored_inputs = tensor->shape[1];
    const std::vector<float> all =
        shrink_kernel(part, floats(network_, what.weight), tensor->shape[0] * stored_inputs, &kernel);
    Folded result;
    result.outputs = part.channels;
    result.kernel = kernel;
    result.inputs = part.input_channels() / part.groups;
    const Norm* norm = what.norm ? &*what.norm : nullptr;
    for (const auto& [name, own] : member_.norms) {
      if (name == what.name) norm = &own;
    }
    std::vector<float> scale, shift, mean, variance, bias;
    if (norm != nullptr) {
      scale = floats(network_, norm->weight), shift = floats(network_, norm->bias);
      mean = floats(network_, norm->mean), variance = floats(network_, norm->variance);
    }
    if (!what.bias.empty()) bias = floats(network_, what.bias);
    const auto at = [&](const std::vector<float>& values, int64_t o) {  // of all channels, or of just this member's
      return values[static_cast<std::size_t>(
          static_cast<int64_t>(values.size()) == part.channels ? o : part.channels_from + o)];
    };
    const int64_t area = kernel * kernel;
    for (int64_t o = 0; o < part.channels; ++o) {
      const float factor = norm == nullptr ? 1 : at(scale, o) / std::sqrt(at(variance, o) + norm->epsilon);
      const float own_bias = bias.empty() ? 0 : at(bias, o);
      result.bias.push_back(norm == nullptr ? own_bias : (own_bias - at(mean, o)) * factor + at(shift, o));
      const auto copy = [&](int64_t row, int64_t from, int64_t count) {
        const float* source = all.data() + (row * stored_inputs + from) * area;
        for (int64_t i = 0; i < count * area; ++i) result.weight.push_back(source[i] * factor);
      };
      if (part.groups > 1) {
        copy(part.channels_from + o, 0, result.inputs);
        continue;
      }
      for (const Range& range : part.inputs) copy(part.channels_from + o, range.weight_from, range.count);
    }
    return result;
  }

  // --- operators ---
  std::string residual(const std::vector<const SubNode*>& parts, const std::string& from, const std::string& name) {
    if (parts[0]->residual < 0) return from;
    std::vector<Range> ranges;
    for (const SubNode* part : parts) ranges.push_back({part->residual, 0, part->channels, 0});
    add("Add", {from, gather(ranges)}, name + ".sum");
    return name + ".sum";
  }

  std::string convolve(const std::vector<const SubNode*>& parts, const std::string& name) {
    const SubNode& first = *parts[0];
    const bool same_input = parts.size() == 1 || parts[1]->inputs == first.inputs;
    std::vector<Range> ranges = first.inputs;
    Folded all;
    for (const SubNode* part : parts) {
      if (!same_input && part != &first) ranges.push_back(part->inputs[0]);
      const Folded one = fold(*part);
      all.weight.insert(all.weight.end(), one.weight.begin(), one.weight.end());
      all.bias.insert(all.bias.end(), one.bias.begin(), one.bias.end());
      all.outputs += one.outputs;
      all.inputs = one.inputs;
      all.kernel = one.kernel;
    }
    int64_t groups = first.groups;
    if (!same_input) groups = static_cast<int64_t>(parts.size());
    const std::string weight =
        constant(name + ".weight", {all.outputs, all.inputs, all.kernel, all.kernel}, all.weight);
    const std::string bias = constant(name + ".bias", {all.outputs}, all.bias);
    onnx::NodeProto* made = add("Conv", {gather(ranges), weight, bias}, name);
    set(made, "kernel_shape", {all.kernel, all.kernel});
    set(made, "strides", {node(first).stride, node(first).stride});
    set(made, "pads", std::vector<int64_t>(4, first.padding));
    set(made, "group", groups);
    return activate(residual(parts, name, name), node(first).activation, name);
  }

  // A product of matrices where there is one pixel; else a 1x1 convolution.
  std::string multiply_matrix(const SubNode& part, const std::string& name) {
    const Folded all = fold(part);
    const std::string from = gather(part.inputs);
    if (part.height.constant * part.width != 1) return convolve({&part}, name);
    const std::string weight = constant(name + ".weight", {all.outputs, all.inputs}, all.weight);
    const std::string bias = constant(name + ".bias", {all.outputs}, all.bias);
    add("Flatten", {from}, name + ".flat");
    set(add("Gemm", {name + ".flat", weight, bias}, name + ".product"), "transB", int64_t{1});
    const std::string shape = constant<int64_t>(name + ".shape", {4}, {1, part.channels, 1, 1});
    add("Reshape", {name + ".product", shape}, name);
    return activate(residual({&part}, name, name), node(part).activation, name);
  }

  std::string pool(const std::vector<const SubNode*>& parts, const char* type, const std::string& name) {
    std::vector<Range> ranges;
    for (const SubNode* part : parts) ranges.insert(ranges.end(), part->inputs.begin(), part->inputs.end());
    onnx::NodeProto* made = add(type, {gather(ranges)}, name);
    if (node(*parts[0]).op == Op::kGlobalAveragePool) return name;
    set(made, "kernel_shape", {parts[0]->kernel, parts[0]->kernel});
    set(made, "strides", {node(*parts[0]).stride, node(*parts[0]).stride});
    set(made, "pads", std::vector<int64_t>(4, parts[0]->padding));
    if (node(*parts[0]).op == Op::kAveragePool) set(made, "count_include_pad", int64_t{1});
    return name;
  }

  std::string pairwise(const SubNode& part, const char* type, const std::string& name) {
    std::string sum = gather({part.inputs.at(0)});
    for (std::size_t i = 1; i < part.inputs.size(); ++i) {
      const std::string next = i + 1 == part.inputs.size() ? name : fmt::format("{}.{}", name, i);
      add(type, {sum, gather({part.inputs[i]})}, next);
      sum = next;
    }
    return activate(sum, node(part).activation, name);
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
        made = activate(gather(ranges), what.activation, name);
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
        set(add("Softmax", {gather(first.inputs)}, name), "axis", int64_t{1}), made = name;
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

  static void describe(onnx::ValueInfoProto* value, const std::string& name, const std::vector<int64_t>& shape) {
    value->set_name(name);
    auto* type = value->mutable_type()->mutable_tensor_type();
    type->set_elem_type(onnx::TensorProto::FLOAT);
    for (const int64_t extent : shape) type->mutable_shape()->add_dim()->set_dim_value(extent);
  }

  std::string input(const SubNode& part) {
    describe(model_.mutable_graph()->add_input(), "input", {1, part.channels, part.height.constant, part.width});
    return "input";
  }

  onnx::ModelProto finish() {
    const SubNode& answer = sub_.answer();
    const int64_t outputs = answer.channels * answer.height.constant * answer.width;
    add("Flatten", {gather({{answer.node, 0, answer.channels, 0}})}, "output");
    describe(model_.mutable_graph()->add_output(), "output", {1, outputs});
    model_.mutable_graph()->set_name(network_.name + " " + member_.name);
    model_.set_ir_version(7);
    model_.set_producer_name("limber");
    onnx::OperatorSetIdProto* opset = model_.add_opset_import();
    opset->set_domain("");
    opset->set_version(kOpset);
    for (const auto& [key, values] :
         {std::pair("mean", &network_.preprocessing.mean), std::pair("deviation", &network_.preprocessing.deviation)}) {
      onnx::StringStringEntryProto* entry = model_.add_metadata_props();
      entry->set_key(key);
      entry->set_value(fmt::format("{}", fmt::join(*values, ",")));
    }
    try {
      onnx::checker::check_model(model_);
    } catch (const std::exception& error) {
      fail(ErrorCode::kInternal, "the exported model is not valid ONNX: {}", error.what());
    }
    return std::move(model_);
  }

  const Network& network_;
  const Member& member_;
  OnnxForm form_;
  SubNetwork sub_;
  std::vector<Place> places_;                // of each graph node
  std::map<std::string, std::string> made_;  // slices and concatenations: what -> tensor
  onnx::ModelProto model_;
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
