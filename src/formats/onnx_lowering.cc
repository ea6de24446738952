// SPDX-License-Identifier: Apache-2.0
#include "formats/onnx_lowering.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "base/error.h"
#include "formats/fuse.h"
#include "network/limits.h"

namespace limber {
namespace {

constexpr std::size_t kMostListed = 50;

int64_t values_in(const OnnxProgram& program) {
  int64_t sum = 0;
  for (const auto& [name, tensor] : program.constants) sum += tensor.count();
  return sum;
}

}  // namespace

const std::map<std::string, OnnxLowering::Lower>& OnnxLowering::operators() {
  using L = OnnxLowering;
  static const std::map<std::string, Lower> table = {
      {"Add", &L::pairwise},
      {"AveragePool", &L::pool},
      {"BatchNormalization", &L::batch_norm},
      {"Cast", &L::same},
      {"Clip", &L::clip},
      {"Concat", &L::concat},
      {"Conv", &L::conv},
      {"Div", &L::pairwise},
      {"Dropout", &L::same},
      {"Flatten", &L::reshape},
      {"Gemm", &L::gemm},
      {"GlobalAveragePool", &L::global_average},
      {"HardSigmoid", &L::hard_sigmoid},
      {"HardSwish", &L::hard_swish},
      {"Identity", &L::same},
      {"MatMul", &L::matmul},
      {"MaxPool", &L::pool},
      {"Mul", &L::pairwise},
      {"Pad", &L::pad},
      {"ReduceMean", &L::reduce_mean},
      {"Relu", &L::relu},
      {"Reshape", &L::reshape},
      {"Shape", &L::shape_of},
      {"Slice", &L::slice},
      {"Softmax", &L::softmax},
      {"Squeeze", &L::reshape},
      {"Sub", &L::pairwise},
      {"Sum", &L::sum},
      {"Transpose", &L::transpose},
      {"Unsqueeze", &L::reshape},
  };
  return table;
}

std::string OnnxLowering::supported() {
  std::vector<std::string> names;
  for (const auto& [name, unused] : operators()) names.push_back(name);
  return fmt::format("{}; Constant, ConstantOfShape, Gather where they only compute a shape", fmt::join(names, ", "));
}

OnnxLowering::OnnxLowering(OnnxProgram program, const std::string& where)
    : where_(where),
      program_(std::move(program)),
      folder_(2 * values_in(program_) + (1 << 20)),
      weights_(8 * values_in(program_) + (1 << 22)) {}

OnnxValue& OnnxLowering::feature(const Inputs& inputs, std::size_t i) {
  if (i >= inputs.size() || inputs[i] == nullptr) refuse("input {} is missing", i);
  if (inputs[i]->is_constant()) refuse("input {} is a constant", i);
  return *inputs[i];
}

const OnnxTensor* OnnxLowering::constant(const Inputs& inputs, std::size_t i) {
  if (i >= inputs.size() || inputs[i] == nullptr) return nullptr;
  if (!inputs[i]->is_constant()) refuse("input {} is computed; legal: a constant", i);
  return &inputs[i]->constant;
}

const OnnxTensor& OnnxLowering::floats(const Inputs& inputs, std::size_t i, const char* what) {
  const OnnxTensor* tensor = constant(inputs, i);
  if (tensor == nullptr) refuse("{} is missing", what);
  if (!tensor->floats) refuse("{} is {}; legal: FLOAT, FLOAT16", what, tensor->type);
  return *tensor;
}

OnnxValue& OnnxLowering::image(const Inputs& inputs, std::size_t i) {
  OnnxValue& value = feature(inputs, i);
  materialise(value);
  if (value.view != OnnxView::kFirst || value.dims.size() != 4) {
    refuse("its input is [{}]; legal: [1, channels, height, width]", fmt::join(value.dims, ", "));
  }
  return value;
}

std::vector<Input> OnnxLowering::inputs_of(const OnnxValue& value, bool weighted) const {
  std::vector<Input> result;
  int64_t at = 0;
  for (const OnnxPart& part : value.parts) {
    Input input;
    input.node = part.node;
    input.from = part.from;
    const bool whole = part.from == 0 && part.count == sizes_[static_cast<std::size_t>(part.node)].channels;
    input.count = whole ? -1 : part.count;
    if (weighted) input.weight_from = at;
    at += part.count;
    result.push_back(input);
  }
  return result;
}

OnnxValue OnnxLowering::emit(Node node, int64_t channels, int64_t height, int64_t width) {
  if (graph_.nodes.size() >= static_cast<std::size_t>(limits::kNodes)) refuse("more than {} nodes", limits::kNodes);
  if (node.inputs.size() > static_cast<std::size_t>(limits::kInputs)) refuse("{} inputs", node.inputs.size());
  if (channels < 1 || channels > limits::kChannels) refuse("{} channels", channels);
  node.name = legal_name(current_, names_);
  names_.insert(node.name);
  OnnxValue value;
  value.parts = {{static_cast<int>(graph_.nodes.size()), 0, channels}};
  value.channels = channels;
  value.height = height;
  value.width = width;
  value.dims = {1, channels, height, width};
  graph_.nodes.push_back(std::move(node));
  sizes_.push_back({channels, height, width});
  return value;
}

OnnxValue OnnxLowering::emit_like(Op op, const OnnxValue& value, const std::string& name) {
  Node node;
  node.op = op;
  node.inputs = inputs_of(value);
  const std::string before = current_;
  current_ = name;
  OnnxValue result = emit(std::move(node), value.channels, value.height, value.width);
  current_ = before;
  result.dims = value.dims;
  result.view = value.view;
  return result;
}

int OnnxLowering::affine_node(const OnnxValue& value, std::vector<float> scale, std::vector<float> shift) {
  OnnxValue made = emit_like(Op::kConv2d, value, current_);
  Node& node = graph_.nodes.back();
  node.depthwise = true;
  node.weight = weights_.add(node.name + ".scale", {value.channels, 1, 1, 1}, std::move(scale));
  node.bias = weights_.add(node.name + ".shift", {value.channels}, std::move(shift));
  return made.parts[0].node;
}

void OnnxLowering::materialise(OnnxValue& value) {
  if (!value.pads.empty()) refuse("it reads a Pad; legal: Conv, MaxPool and AveragePool after it");
  const auto replace = [&](int node) { value.parts = {{node, 0, value.channels}}; };
  if (!value.scale.empty()) replace(affine_node(value, std::move(value.scale), std::move(value.shift)));
  value.scale.clear(), value.shift.clear();
  if (value.activation == Activation::kNone) return;
  const OnnxValue made = emit_like(Op::kActivation, value, current_);
  graph_.nodes.back().activation = value.activation;
  value.activation = Activation::kNone;
  replace(made.parts[0].node);
  if (value.factor == 1) return;
  const auto channels = static_cast<std::size_t>(value.channels);
  replace(affine_node(value, std::vector<float>(channels, value.factor), std::vector<float>(channels, 0)));
  value.factor = 1;
}

void OnnxLowering::make_one_node(OnnxValue& value) {
  materialise(value);
  if (value.parts.size() > 1) value.parts = emit_like(Op::kConcat, value, current_ + ".concat").parts;
}

std::string OnnxLowering::weight(const std::string& name, const std::string& form, std::vector<int64_t> shape,
                                 std::shared_ptr<const std::vector<float>> values, bool half) {
  std::string key = fmt::format("{}\n{}\n{}", name, form, fmt::join(shape, ","));
  const auto known = tensor_of_.find(key);
  if (known != tensor_of_.end()) return known->second;
  return tensor_of_[std::move(key)] = weights_.add(name, std::move(shape), std::move(values), half);
}

void OnnxLowering::read_input(const std::vector<int64_t>& shape) {
  const std::vector<OnnxExtent>& given = program_.input_shape;
  const std::string as_written = [&] {
    std::vector<std::string> texts;
    for (const OnnxExtent& extent : given)
      texts.push_back(extent.value >= 0 ? std::to_string(extent.value) : extent.symbol.empty() ? "?" : extent.symbol);
    return fmt::format("input '{}' is [{}]", program_.input, fmt::join(texts, ", "));
  }();
  if (given.size() != 2 && given.size() != 4) {
    fail(ErrorCode::kUnsupported, "{}: {}; legal: an image, [batch, channels, height, width] or with channels last",
         where_, as_written);
  }
  if (given[0].value > 1) {
    fail(ErrorCode::kUnsupported, "{}: {}: a batch of {}; export it with a batch of 1 or an open one", where_,
         as_written, given[0].value);
  }
  if (given[0].value < 0) notes_.push_back(fmt::format("{}: {}: the batch is taken as 1", where_, as_written));
  const bool last =
      given.size() == 4 && std::any_of(program_.nodes.begin(), program_.nodes.end(), [&](const OnnxNode& n) {
        return n.type == "Transpose" && !n.inputs.empty() && n.inputs[0] == program_.input;
      });
  if (last) notes_.push_back(fmt::format("{}: {}: channels are last", where_, as_written));
  std::vector<int64_t> extents{-1, 1, 1};  // channels, height, width
  const std::size_t order[2][3] = {{1, 2, 3}, {3, 1, 2}};
  for (std::size_t i = 0; i + 1 < given.size(); ++i) extents[i] = given[order[last][i]].value;
  if (!shape.empty() && shape.size() != 3) {
    fail(ErrorCode::kInvalidArgument, "a shape of {} numbers; legal: channels, height, width", shape.size());
  }
  for (std::size_t i = 0; i < 3; ++i) {
    if (extents[i] < 0 && !shape.empty()) extents[i] = shape[i];
    if (extents[i] < 0) {
      fail(ErrorCode::kInvalidArgument, "{}: {}; give its size with --shape channels,height,width", where_, as_written);
    }
    if (!shape.empty() && extents[i] != shape[i]) {
      fail(ErrorCode::kInvalidArgument, "{}: {}, which is not [{}]", where_, as_written, fmt::join(shape, ", "));
    }
    const int64_t most = i == 0 ? limits::kChannels : limits::kPixels;
    if (extents[i] < 1 || extents[i] > most) {
      fail(ErrorCode::kInvalidArgument, "{}: {}: an extent of {}; legal: 1 to {}", where_, as_written, extents[i],
           most);
    }
  }
  Node node;
  node.op = Op::kInput;
  node.channels = extents[0];
  node.height = extents[1];
  node.width = extents[2];
  current_ = "input";
  OnnxValue value = emit(std::move(node), extents[0], extents[1], extents[2]);
  if (last) value.dims = {1, extents[1], extents[2], extents[0]}, value.view = OnnxView::kLast;
  if (given.size() == 2) value.dims = {1, extents[0]}, value.view = OnnxView::kFlat;
  values_[program_.input] = std::move(value);
}

void OnnxLowering::lower(const OnnxNode& node) {
  current_ = node.name;
  Inputs inputs;
  std::vector<const OnnxTensor*> constants;
  bool foldable = node.type != "Shape" || !node.inputs.empty(), refused = false;
  for (const std::string& name : node.inputs) {
    OnnxValue* value = name.empty() ? nullptr : &values_.at(name);
    inputs.push_back(value);
    refused = refused || (value != nullptr && value->refused);
    foldable = foldable && (value == nullptr || value->is_constant());
    constants.push_back(value == nullptr ? nullptr : &value->constant);
  }
  const auto put = [&](const OnnxValue& value) {
    for (std::size_t i = 0; i < node.outputs.size(); ++i) {
      if (node.outputs[i].empty()) continue;
      values_[node.outputs[i]] = value;
      if (i > 0) values_[node.outputs[i]].refused = true;  // statistics, masks, indices
    }
  };
  OnnxValue result;
  const auto give_up = [&](const std::string& reason) {
    refused_.push_back(fmt::format("{} '{}'{}{}", node.type, node.name, reason.empty() ? "" : ": ", reason));
    result = OnnxValue();
    result.refused = true;
  };
  const auto found = operators().find(node.type);
  try {
    if (refused) {
      result.refused = true;  // said once, where it begins
      const bool of_shapes = node.type == "Gather" || node.type == "ConstantOfShape";
      if (!of_shapes && found == operators().end()) give_up("");
    } else if (foldable) {
      result.constant = folder_.fold(node, constants);
    } else if (found == operators().end()) {
      give_up(node.type == "Gather" ? "of what is computed" : "");
    } else {
      result = (this->*found->second)(node, inputs);
    }
  } catch (const OnnxRefusal& refusal) {
    give_up(refusal.reason);
  }
  put(result);
}

void OnnxLowering::report_refused() const {
  if (refused_.empty()) return;
  std::string list;
  for (std::size_t i = 0; i < std::min(refused_.size(), kMostListed); ++i) list += "\n  " + refused_[i];
  if (refused_.size() > kMostListed) list += fmt::format("\n  and {} more", refused_.size() - kMostListed);
  fail(ErrorCode::kUnsupported, "{}: {} of {} nodes cannot be imported:{}\nsupported are, of opset {} to {}: {}",
       where_, refused_.size(), program_.nodes.size(), list, kLeastOnnxOpset, kMostOnnxOpset, supported());
}

void OnnxLowering::finish_answer() {
  OnnxValue& answer = values_.at(program_.output);
  current_ = "answer";
  if (answer.is_constant()) fail(ErrorCode::kBadFile, "{}: its output depends on no input", where_);
  try {
    materialise(answer);
  } catch (const OnnxRefusal& refusal) {
    fail(ErrorCode::kUnsupported, "{}: output '{}': {}", where_, program_.output, refusal.reason);
  }
  if (!answer.pixel() && (answer.view == OnnxView::kLast || answer.view == OnnxView::kFlatLast))
    fail(ErrorCode::kUnsupported, "{}: its output has channels last; legal for more than one pixel: first", where_);
  bool fits = program_.output_shape.empty() || program_.output_shape.size() == answer.dims.size();
  for (std::size_t i = 1; fits && i < program_.output_shape.size(); ++i)
    fits = program_.output_shape[i].value < 0 || program_.output_shape[i].value == answer.dims[i];
  if (!fits) {
    fail(ErrorCode::kBadFile, "{}: its output is [{}], the file says something else", where_,
         fmt::join(answer.dims, ", "));
  }
  const OnnxPart& only = answer.parts[0];
  const bool whole = answer.parts.size() == 1 && only.count == sizes_[static_cast<std::size_t>(only.node)].channels;
  if (!whole || only.node == 0) answer.parts = emit_like(Op::kConcat, answer, "answer").parts;
  graph_.nodes.resize(static_cast<std::size_t>(answer.parts[0].node) + 1);
}

OnnxLowered OnnxLowering::run(const std::vector<int64_t>& shape) {
  for (auto& [name, tensor] : program_.constants) {
    OnnxValue value;
    value.constant = std::move(tensor);
    value.dims = value.constant.dims;
    values_.emplace(name, std::move(value));
  }
  program_.constants.clear();
  read_input(shape);
  for (const OnnxNode& node : program_.nodes) lower(node);
  report_refused();
  finish_answer();
  if (wider_ > 0) {
    notes_.push_back(fmt::format(
        "{}: {} convolutions that are dilated, not square or padded unevenly run as wider ones, zeros around", where_,
        wider_));
  }
  OnnxLowered result;
  fuse(graph_, weights_);
  result.tensors = weights_.take(graph_);
  result.graph = std::move(graph_);
  result.notes = std::move(notes_);
  return result;
}

OnnxLowered lower_onnx(OnnxProgram program, const std::vector<int64_t>& shape, const std::string& where) {
  return OnnxLowering(std::move(program), where).run(shape);
}

}  // namespace limber
