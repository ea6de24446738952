// SPDX-License-Identifier: Apache-2.0
// From ONNX operators to a graph, one by one; fuse.h then joins what runs as one kernel. Layer: formats; an optional
// component (LIMBER_ONNX).
#pragma once
#include <fmt/core.h>

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "formats/onnx_constants.h"
#include "formats/onnx_program.h"
#include "formats/onnx_value.h"
#include "formats/weight_store.h"
#include "network/graph.h"

namespace limber {

// A network of one member whose graph has no design space yet.
struct OnnxLowered {
  Graph graph;  // node 0 is the input, the last one the answer
  std::vector<Tensor> tensors;
  std::vector<std::string> notes;  // what was taken for granted, for people
};

// shape: {channels, height, width} of the image where the file leaves them open; else empty. Fails with kUnsupported,
// listing every node that cannot be imported and what can; with kInvalidArgument when the shape is missing or another.
OnnxLowered lower_onnx(OnnxProgram program, const std::vector<int64_t>& shape, const std::string& where);

// A sliding window as the file describes it; [0] is vertical, [1] horizontal.
struct OnnxWindow {
  int64_t kernel[2] = {1, 1}, stride[2] = {1, 1}, dilation[2] = {1, 1}, before[2] = {0, 0}, after[2] = {0, 0};
  bool round_up = false;  // pools: the last window may hang over
};

// The same as a square window with one stride and the same rows and columns on all sides. The true kernel lies `offset`
// rows and columns inside it.
struct SquareWindow {
  int64_t kernel = 1, stride = 1, padding = 0;
  int64_t offset[2] = {0, 0}, output[2] = {1, 1};
};

// wider: the kernel may grow (by zeros). Throws OnnxRefusal when there is none.
SquareWindow fit_square(const OnnxWindow& window, int64_t height, int64_t width, bool wider);

class OnnxLowering {
 public:
  OnnxLowering(OnnxProgram program, const std::string& where);
  OnnxLowered run(const std::vector<int64_t>& shape);
  static std::string supported();  // the names of all operators

 private:
  using Inputs = std::vector<OnnxValue*>;  // nullptr: left out
  using Lower = OnnxValue (OnnxLowering::*)(const OnnxNode&, const Inputs&);
  static const std::map<std::string, Lower>& operators();

  template <typename... Args>
  [[noreturn]] static void refuse(fmt::format_string<Args...> format, Args&&... args) {
    throw OnnxRefusal{fmt::format(format, std::forward<Args>(args)...)};
  }

  // onnx_lowering.cc: values and nodes
  void read_input(const std::vector<int64_t>& shape);
  void lower(const OnnxNode& node);
  void finish_answer();
  void report_refused() const;
  static OnnxValue& feature(const Inputs& inputs, std::size_t i);
  static const OnnxTensor* constant(const Inputs& inputs, std::size_t i);
  static const OnnxTensor& floats(const Inputs& inputs, std::size_t i, const char* what);
  OnnxValue& image(const Inputs& inputs, std::size_t i);  // materialised, [1, channels, height, width]
  void materialise(OnnxValue& value);                     // nothing waits any more; pads are refused
  void make_one_node(OnnxValue& value);                   // one part
  int affine_node(const OnnxValue& value, std::vector<float> scale, std::vector<float> shift);
  std::vector<Input> inputs_of(const OnnxValue& value, bool weighted = false) const;
  OnnxValue emit(Node node, int64_t channels, int64_t height, int64_t width);
  OnnxValue emit_like(Op op, const OnnxValue& value, const std::string& name);
  // The tensor of an initialiser, once for all nodes that use it in this form.
  std::string weight(const std::string& name, const std::string& form, std::vector<int64_t> shape,
                     std::shared_ptr<const std::vector<float>> values, bool half);

  // onnx_lower_weighted.cc
  OnnxValue conv(const OnnxNode& node, const Inputs& inputs);
  OnnxValue gemm(const OnnxNode& node, const Inputs& inputs);
  OnnxValue matmul(const OnnxNode& node, const Inputs& inputs);
  OnnxValue batch_norm(const OnnxNode& node, const Inputs& inputs);
  OnnxValue product(const OnnxNode& node, OnnxValue& x, const OnnxTensor& matrix, bool transposed, float alpha,
                    std::vector<float> bias);

  // onnx_lower_pointwise.cc
  OnnxValue relu(const OnnxNode& node, const Inputs& inputs);
  OnnxValue clip(const OnnxNode& node, const Inputs& inputs);
  OnnxValue hard_swish(const OnnxNode& node, const Inputs& inputs);
  OnnxValue hard_sigmoid(const OnnxNode& node, const Inputs& inputs);
  OnnxValue softmax(const OnnxNode& node, const Inputs& inputs);
  OnnxValue pairwise(const OnnxNode& node, const Inputs& inputs);  // Add, Sub, Mul, Div
  OnnxValue sum(const OnnxNode& node, const Inputs& inputs);
  OnnxValue multiply(OnnxValue& a, OnnxValue& b);
  OnnxValue activated(OnnxValue& x, Activation activation);
  OnnxValue scaled(OnnxValue& x, std::vector<float> scale, std::vector<float> shift);
  static std::vector<float> per_channel(const OnnxTensor& constant, const OnnxValue& value);

  // onnx_lower_layout.cc
  OnnxValue same(const OnnxNode& node, const Inputs& inputs);  // Identity, Dropout, Cast
  OnnxValue shape_of(const OnnxNode& node, const Inputs& inputs);
  OnnxValue reshape(const OnnxNode& node, const Inputs& inputs);  // Flatten, Squeeze, Unsqueeze too
  OnnxValue transpose(const OnnxNode& node, const Inputs& inputs);
  OnnxValue concat(const OnnxNode& node, const Inputs& inputs);
  OnnxValue slice(const OnnxNode& node, const Inputs& inputs);
  OnnxValue pad(const OnnxNode& node, const Inputs& inputs);
  static OnnxValue viewed(const OnnxValue& value, std::vector<int64_t> dims);

  // onnx_lower_pool.cc
  OnnxValue pool(const OnnxNode& node, const Inputs& inputs);  // MaxPool, AveragePool
  OnnxValue global_average(const OnnxNode& node, const Inputs& inputs);
  OnnxValue reduce_mean(const OnnxNode& node, const Inputs& inputs);
  static OnnxWindow window_of(const OnnxNode& node, const OnnxValue& x, std::vector<int64_t> kernel);
  bool never_negative(const OnnxValue& value) const;

  const std::string& where_;
  OnnxProgram program_;
  OnnxFolder folder_;
  WeightStore weights_;
  Graph graph_;
  struct Size {
    int64_t channels, height, width;
  };
  std::vector<Size> sizes_;  // of each node
  std::map<std::string, OnnxValue> values_;
  std::map<std::string, std::string> tensor_of_;  // initialiser and form -> tensor
  std::set<std::string> names_;
  std::string current_;  // the name for nodes that are made now
  std::vector<std::string> refused_, notes_;
  int64_t wider_ = 0;  // convolutions whose kernel grew
};

}  // namespace limber
