// SPDX-License-Identifier: Apache-2.0
// Writes an ONNX graph piece by piece. Layer: formats; an optional component (LIMBER_ONNX).
#pragma once
#include <onnx/onnx_pb.h>

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "network/graph.h"

namespace limber {

// Channels [from, from + count) of an ONNX tensor that has `whole` channels.
struct OnnxPlace {
  std::string tensor;
  int64_t from = 0, count = 0, whole = 0;
};

// Names of tensors are also names of nodes. One graph, one writer, one thread.
class OnnxGraph {
 public:
  onnx::NodeProto* add(const char* type, const std::vector<std::string>& inputs, const std::string& output);
  static void set(onnx::NodeProto* to, const char* name, const std::vector<int64_t>& values);
  static void set(onnx::NodeProto* to, const char* name, int64_t value);
  static void set(onnx::NodeProto* to, const char* name, float value);
  // An initializer; returns its name.
  std::string constant(const std::string& name, const std::vector<int64_t>& shape, const std::vector<float>& values);
  std::string constant(const std::string& name, const std::vector<int64_t>& shape, const std::vector<int64_t>& values);
  // One tensor that holds the places in order: the tensor itself, a slice, or a concatenation, each made once.
  std::string gather(const std::vector<OnnxPlace>& places);
  // `from` itself for kNone.
  std::string activate(const std::string& from, Activation activation, const std::string& name);
  void add_input(const std::string& name, const std::vector<int64_t>& shape);
  void add_output(const std::string& name, const std::vector<int64_t>& shape);
  // Checked by onnx::checker; the graph is spent. Fails with kInternal when it is not valid.
  onnx::ModelProto finish(const std::string& name, const std::vector<std::pair<std::string, std::string>>& metadata);

 private:
  onnx::ModelProto model_;
  std::map<std::string, std::string> made_;  // slices and concatenations: what -> tensor
};

}  // namespace limber
