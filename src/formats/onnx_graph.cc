// SPDX-License-Identifier: Apache-2.0
#include "formats/onnx_graph.h"

#include <fmt/ranges.h>
#include <onnx/checker.h>

#include "base/error.h"

namespace limber {
namespace {

constexpr int64_t kOpset = 14;  // the first with HardSwish

void describe(onnx::ValueInfoProto* value, const std::string& name, const std::vector<int64_t>& shape) {
  value->set_name(name);
  auto* type = value->mutable_type()->mutable_tensor_type();
  type->set_elem_type(onnx::TensorProto::FLOAT);
  for (const int64_t extent : shape) type->mutable_shape()->add_dim()->set_dim_value(extent);
}

template <typename T>
void fill(onnx::TensorProto* tensor, int type, const std::string& name, const std::vector<int64_t>& shape,
          const std::vector<T>& values) {
  tensor->set_name(name);
  tensor->set_data_type(type);
  for (const int64_t extent : shape) tensor->add_dims(extent);
  tensor->set_raw_data(values.data(), values.size() * sizeof(T));
}

}  // namespace

onnx::NodeProto* OnnxGraph::add(const char* type, const std::vector<std::string>& inputs, const std::string& output) {
  onnx::NodeProto* result = model_.mutable_graph()->add_node();
  result->set_op_type(type);
  result->set_name(output);
  for (const std::string& input : inputs) result->add_input(input);
  result->add_output(output);
  return result;
}

void OnnxGraph::set(onnx::NodeProto* to, const char* name, const std::vector<int64_t>& values) {
  onnx::AttributeProto* attribute = to->add_attribute();
  attribute->set_name(name);
  attribute->set_type(onnx::AttributeProto::INTS);
  for (const int64_t value : values) attribute->add_ints(value);
}

void OnnxGraph::set(onnx::NodeProto* to, const char* name, int64_t value) {
  onnx::AttributeProto* attribute = to->add_attribute();
  attribute->set_name(name);
  attribute->set_type(onnx::AttributeProto::INT);
  attribute->set_i(value);
}

void OnnxGraph::set(onnx::NodeProto* to, const char* name, float value) {
  onnx::AttributeProto* attribute = to->add_attribute();
  attribute->set_name(name);
  attribute->set_type(onnx::AttributeProto::FLOAT);
  attribute->set_f(value);
}

std::string OnnxGraph::constant(const std::string& name, const std::vector<int64_t>& shape,
                                const std::vector<float>& values) {
  fill(model_.mutable_graph()->add_initializer(), onnx::TensorProto::FLOAT, name, shape, values);
  return name;
}

std::string OnnxGraph::constant(const std::string& name, const std::vector<int64_t>& shape,
                                const std::vector<int64_t>& values) {
  fill(model_.mutable_graph()->add_initializer(), onnx::TensorProto::INT64, name, shape, values);
  return name;
}

std::string OnnxGraph::gather(const std::vector<OnnxPlace>& places) {
  std::vector<OnnxPlace> pieces;  // neighbours joined
  for (const OnnxPlace& at : places) {
    if (!pieces.empty() && pieces.back().tensor == at.tensor && pieces.back().from + pieces.back().count == at.from) {
      pieces.back().count += at.count;
    } else {
      pieces.push_back(at);
    }
  }
  std::vector<std::string> names;
  for (const OnnxPlace& piece : pieces) {
    if (piece.count == piece.whole) {
      names.push_back(piece.tensor);
      continue;
    }
    const std::string name = fmt::format("{}[{}:{}]", piece.tensor, piece.from, piece.from + piece.count);
    if (made_.insert({name, name}).second) {
      const std::string from = constant(name + ".from", {1}, std::vector<int64_t>{piece.from});
      const std::string to = constant(name + ".to", {1}, std::vector<int64_t>{piece.from + piece.count});
      const std::string axis = constant(name + ".axis", {1}, std::vector<int64_t>{1});
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

std::string OnnxGraph::activate(const std::string& from, Activation activation, const std::string& name) {
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
    case Activation::kRelu6:
      if (made_.insert({"relu6", "relu6.most"}).second) {
        constant("relu6.least", {}, std::vector<float>{0});
        constant("relu6.most", {}, std::vector<float>{6});
      }
      add("Clip", {from, "relu6.least", "relu6.most"}, name + ".relu6");
      return name + ".relu6";
  }
  return from;
}

void OnnxGraph::add_input(const std::string& name, const std::vector<int64_t>& shape) {
  describe(model_.mutable_graph()->add_input(), name, shape);
}

void OnnxGraph::add_output(const std::string& name, const std::vector<int64_t>& shape) {
  describe(model_.mutable_graph()->add_output(), name, shape);
}

onnx::ModelProto OnnxGraph::finish(const std::string& name,
                                   const std::vector<std::pair<std::string, std::string>>& metadata) {
  model_.mutable_graph()->set_name(name);
  model_.set_ir_version(7);
  model_.set_producer_name("limber");
  onnx::OperatorSetIdProto* opset = model_.add_opset_import();
  opset->set_domain("");
  opset->set_version(kOpset);
  for (const auto& [key, value] : metadata) {
    onnx::StringStringEntryProto* entry = model_.add_metadata_props();
    entry->set_key(key);
    entry->set_value(value);
  }
  try {
    onnx::checker::check_model(model_);
  } catch (const std::exception& error) {
    fail(ErrorCode::kInternal, "the exported model is not valid ONNX: {}", error.what());
  }
  return std::move(model_);
}

}  // namespace limber
