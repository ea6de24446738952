// SPDX-License-Identifier: Apache-2.0
#include "formats/onnx_program.h"

#include <fmt/ranges.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>

#include <algorithm>
#include <filesystem>
#include <limits>
#include <set>

#include "base/error.h"
#include "network/limits.h"

namespace limber {
namespace {

using google::protobuf::io::CodedInputStream;

constexpr int kDepth = 32;                // of messages in messages; an ordinary file has 6
constexpr int64_t kFields = 1 << 20;      // far above every known file; each costs up to some 200 bytes when parsed
constexpr std::size_t kText = 1 << 16;    // of one name or text attribute
constexpr int64_t kListLength = 1 << 16;  // of one attribute

// Counts the fields of a message before protobuf makes objects of them: two bytes of a hostile file can become an
// object of a hundred.
class FieldCount {
 public:
  bool accepts(std::span<const std::byte> bytes) {
    CodedInputStream stream(reinterpret_cast<const uint8_t*>(bytes.data()), static_cast<int>(bytes.size()));
    return message(stream, onnx::ModelProto::descriptor(), 0);
  }
  bool too_many() const { return left_ < 0; }

 private:
  using Wire = google::protobuf::internal::WireFormatLite;

  bool message(CodedInputStream& stream, const google::protobuf::Descriptor* type, int depth) {
    if (depth > kDepth) return false;
    for (uint32_t tag = stream.ReadTag(); tag != 0; tag = stream.ReadTag()) {
      if (--left_ < 0) return false;
      const auto* field = type->FindFieldByNumber(Wire::GetTagFieldNumber(tag));
      const bool inner = field != nullptr && field->message_type() != nullptr &&
                         Wire::GetTagWireType(tag) == Wire::WIRETYPE_LENGTH_DELIMITED;
      if (!inner) {
        if (!Wire::SkipField(&stream, tag)) return false;
        continue;
      }
      int length = 0;
      if (!stream.ReadVarintSizeAsInt(&length)) return false;
      const auto limit = stream.PushLimit(length);
      if (!message(stream, field->message_type(), depth + 1)) return false;
      stream.PopLimit(limit);
    }
    return stream.ConsumedEntireMessage();
  }

  int64_t left_ = kFields;
};

class Reader {
 public:
  Reader(const std::string& where, const std::string& folder) : where_(where), tensors_(folder) {}

  OnnxProgram run(onnx::ModelProto& model) {
    if (!model.has_graph()) bad("no graph in it; is this an ONNX file?");
    read_opset(model);
    for (const auto& entry : model.metadata_props()) result_.metadata[entry.key()] = entry.value();
    onnx::GraphProto& graph = *model.mutable_graph();
    result_.name = graph.name();
    if (graph.sparse_initializer_size() > 0)
      fail(ErrorCode::kUnsupported, "{}: sparse initialisers are not read", where_);
    for (onnx::TensorProto& tensor : *graph.mutable_initializer()) {
      define(tensor.name(), "an initialiser");
      result_.constants[tensor.name()] =
          tensors_.read(tensor, fmt::format("{}: initialiser '{}'", where_, text(tensor.name())));
      tensor.Clear();  // held once
    }
    read_ends(graph);
    std::vector<OnnxNode> nodes;
    for (onnx::NodeProto& node : *graph.mutable_node()) {
      nodes.push_back(read_node(node));
      node.Clear();
    }
    if (defined_.count(result_.output) == 0) bad("its output '{}' is made by no node", text(result_.output));
    keep_needed(std::move(nodes));
    return std::move(result_);
  }

 private:
  template <typename... Args>
  [[noreturn]] void bad(fmt::format_string<Args...> format, Args&&... args) const {
    fail(ErrorCode::kBadFile, "{}: {}", where_, fmt::format(format, std::forward<Args>(args)...));
  }

  // For messages: short and printable.
  static std::string text(std::string value) {
    value = value.substr(0, 128);
    std::replace_if(
        value.begin(), value.end(), [](char c) { return static_cast<unsigned char>(c) < 32; }, '?');
    return value;
  }

  void define(const std::string& tensor, const std::string& what) {
    if (tensor.empty() || tensor.size() > kText) bad("{} has a name of {} bytes", what, tensor.size());
    if (!defined_.insert(tensor).second) bad("{}: tensor '{}' is made twice", what, text(tensor));
  }

  void read_opset(const onnx::ModelProto& model) {
    for (const auto& opset : model.opset_import()) {
      if (opset.domain().empty() || opset.domain() == "ai.onnx") result_.opset = opset.version();
    }
    if (result_.opset < kLeastOnnxOpset || result_.opset > kMostOnnxOpset) {
      fail(ErrorCode::kUnsupported, "{}: opset {}; read are {} to {}; export it again with one of these", where_,
           result_.opset, kLeastOnnxOpset, kMostOnnxOpset);
    }
  }

  std::vector<OnnxExtent> read_shape(const onnx::ValueInfoProto& value) const {
    std::vector<OnnxExtent> shape;
    if (!value.type().has_tensor_type()) bad("'{}' is no tensor", text(value.name()));
    const auto& type = value.type().tensor_type();
    if (type.shape().dim_size() > 8) bad("'{}' has {} dimensions", text(value.name()), type.shape().dim_size());
    for (const auto& extent : type.shape().dim()) {
      OnnxExtent one;
      if (extent.has_dim_value()) one.value = extent.dim_value();
      if (one.value == 0 || one.value < -1 || one.value > limits::kChannels) {
        bad("'{}': an extent of {}; legal: 1 to {}", text(value.name()), one.value, limits::kChannels);
      }
      if (extent.has_dim_param()) one.symbol = text(extent.dim_param());
      shape.push_back(one);
    }
    return shape;
  }

  void read_ends(const onnx::GraphProto& graph) {
    std::vector<std::string> inputs, outputs;
    for (const auto& input : graph.input()) {
      if (result_.constants.count(input.name()) != 0) continue;  // up to IR version 3 initialisers are inputs too
      define(input.name(), "an input");
      inputs.push_back(text(input.name()));
      if (inputs.size() > 1) continue;
      result_.input = input.name();
      result_.input_shape = read_shape(input);
      const int type = input.type().tensor_type().elem_type();
      if (type != onnx::TensorProto::FLOAT && type != onnx::TensorProto::FLOAT16) {
        fail(ErrorCode::kUnsupported, "{}: input '{}' is no tensor of FLOAT or FLOAT16", where_, inputs[0]);
      }
    }
    for (const auto& output : graph.output()) {
      outputs.push_back(text(output.name()));
      if (outputs.size() > 1) continue;
      result_.output = output.name();
      if (output.type().tensor_type().has_shape()) result_.output_shape = read_shape(output);
    }
    inputs.resize(std::min<std::size_t>(inputs.size(), 20));
    outputs.resize(std::min<std::size_t>(outputs.size(), 20));
    if (inputs.size() != 1) {
      fail(ErrorCode::kUnsupported, "{}: inputs {}; legal: one image", where_, fmt::join(inputs, ", "));
    }
    if (outputs.size() != 1) {
      fail(ErrorCode::kUnsupported, "{}: outputs {}; legal: one, the classes", where_, fmt::join(outputs, ", "));
    }
  }

  OnnxAttribute read_attribute(const onnx::AttributeProto& from, const OnnxNode& node) {
    OnnxAttribute result;
    result.kind = onnx::AttributeProto::AttributeType_Name(from.type());
    const int64_t length = std::max({from.ints_size(), from.floats_size()});
    if (length > kListLength) bad("node '{}': attribute '{}' has {} values", node.name, text(from.name()), length);
    result.integer = from.i();
    result.number = from.f();
    result.text = from.s().substr(0, kText);
    result.integers.assign(from.ints().begin(), from.ints().end());
    result.numbers.assign(from.floats().begin(), from.floats().end());
    if (from.has_t()) {
      result.tensor =
          tensors_.read(from.t(), fmt::format("{}: node '{}': attribute '{}'", where_, node.name, text(from.name())));
    }
    return result;
  }

  OnnxNode read_node(const onnx::NodeProto& from) {
    OnnxNode result;
    const bool own = from.domain().empty() || from.domain() == "ai.onnx";
    result.type = text(own ? from.op_type() : from.domain() + "." + from.op_type());
    result.name = text(!from.name().empty() || from.output_size() == 0 ? from.name() : from.output(0));
    for (const std::string& input : from.input()) {
      if (!input.empty() && defined_.count(input) == 0) {
        bad("node '{}': its input '{}' is made by no earlier node and is no initialiser; is there a cycle, or is "
            "something missing?",
            result.name, text(input));
      }
      result.inputs.push_back(input);
    }
    for (const auto& attribute : from.attribute()) {
      if (!result.attributes.emplace(attribute.name(), read_attribute(attribute, result)).second) {
        bad("node '{}': attribute '{}' twice", result.name, text(attribute.name()));
      }
    }
    for (const std::string& output : from.output()) {
      if (!output.empty()) define(output, fmt::format("node '{}'", result.name));
      result.outputs.push_back(output);
    }
    return result;
  }

  void keep_needed(std::vector<OnnxNode> nodes) {
    std::set<std::string> needed{result_.output};
    for (auto node = nodes.rbegin(); node != nodes.rend(); ++node) {
      const bool used = std::any_of(node->outputs.begin(), node->outputs.end(), [&](const std::string& output) {
        return !output.empty() && needed.count(output) != 0;
      });
      if (!used) continue;
      needed.insert(node->inputs.begin(), node->inputs.end());
      result_.nodes.push_back(std::move(*node));
    }
    std::reverse(result_.nodes.begin(), result_.nodes.end());
    std::erase_if(result_.constants, [&](const auto& entry) { return needed.count(entry.first) == 0; });
  }

  const std::string& where_;
  OnnxTensorReader tensors_;
  OnnxProgram result_;
  std::set<std::string> defined_;
};

}  // namespace

OnnxProgram parse_onnx(std::span<const std::byte> bytes, const std::string& where, const std::string& folder) {
  if (bytes.size() > static_cast<std::size_t>(std::numeric_limits<int32_t>::max())) {
    fail(ErrorCode::kBadFile, "{}: {} bytes; legal for ONNX: below 2 GiB, larger weights are in files beside it", where,
         bytes.size());
  }
  FieldCount fields;
  if (!fields.accepts(bytes)) {
    if (fields.too_many()) fail(ErrorCode::kBadFile, "{}: more than {} fields", where, kFields);
    fail(ErrorCode::kBadFile, "{}: no ONNX file: it is truncated, damaged or of another kind", where);
  }
  onnx::ModelProto model;
  CodedInputStream stream(reinterpret_cast<const uint8_t*>(bytes.data()), static_cast<int>(bytes.size()));
  if (!model.ParseFromCodedStream(&stream) || !stream.ConsumedEntireMessage())
    fail(ErrorCode::kBadFile, "{}: no ONNX file: it is truncated, damaged or of another kind", where);
  return Reader(where, folder).run(model);
}

OnnxProgram read_onnx(const std::string& path) {
  const MappedFile file(path);
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  return parse_onnx(file.bytes(), path, folder.empty() ? "." : folder.string());
}

}  // namespace limber
