// SPDX-License-Identifier: Apache-2.0
// An ONNX file as a checked list of operators, free of protobuf. Layer: formats; an optional component (LIMBER_ONNX).
#pragma once
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "formats/onnx_tensor.h"

namespace limber {

// The opsets whose operators are understood. Which ones a file may use says lower_onnx() in onnx_lowering.h.
inline constexpr int64_t kLeastOnnxOpset = 7, kMostOnnxOpset = 22;

// Exactly one of the fields holds the value; others are empty. Lists and tensors are not both present.
struct OnnxAttribute {
  std::string kind;  // as ONNX calls it: "INT", "FLOATS"
  int64_t integer = 0;
  float number = 0;
  std::string text;
  std::vector<int64_t> integers;
  std::vector<float> numbers;
  OnnxTensor tensor;
};

struct OnnxNode {
  std::string name;                          // its own, else that of its first output
  std::string type;                          // "Conv"; of another domain than ONNX's "com.microsoft.FusedConv"
  std::vector<std::string> inputs, outputs;  // "": left out
  std::map<std::string, OnnxAttribute> attributes;
};

struct OnnxExtent {
  int64_t value = -1;  // -1: not fixed
  std::string symbol;  // its name, may be empty
};

// Nodes are those that the output needs, each after what it reads; every tensor has one maker.
struct OnnxProgram {
  std::string name;
  int64_t opset = 0;
  std::string input, output;  // names of tensors
  std::vector<OnnxExtent> input_shape, output_shape;
  std::map<std::string, OnnxTensor> constants;  // initialisers
  std::vector<OnnxNode> nodes;
  std::map<std::string, std::string> metadata;
};

// Fails with kBadFile (kUnsupported for an opset or a form that is legal but not read), naming file and node. Memory is
// at most a few times the size of the bytes: messages are counted before they are made. `folder` holds external data;
// empty: there are none.
OnnxProgram parse_onnx(std::span<const std::byte> bytes, const std::string& where, const std::string& folder);
OnnxProgram read_onnx(const std::string& path);

}  // namespace limber
