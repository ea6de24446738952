// SPDX-License-Identifier: Apache-2.0
// Operators on constants, done at import: what exporters write to compute a shape. Layer: formats; an optional
// component (LIMBER_ONNX).
#pragma once
#include <string>
#include <vector>

#include "formats/onnx_program.h"

namespace limber {

// Why an operator cannot be imported; caught where its name is known.
struct OnnxRefusal {
  std::string reason;
};

// Reads attributes; a wrong kind is refused.
int64_t integer_of(const OnnxNode& node, const char* attribute, int64_t otherwise);
float number_of(const OnnxNode& node, const char* attribute, float otherwise);
std::string text_of(const OnnxNode& node, const char* attribute, const std::string& otherwise);
std::vector<int64_t> integers_of(const OnnxNode& node, const char* attribute);  // empty: not there

// An axis that may count from the end, as one in 0..rank-1.
int64_t axis_of(int64_t axis, std::size_t rank);

// The extents that a Reshape to `wanted` gives a tensor of `dims`.
std::vector<int64_t> reshaped(const std::vector<int64_t>& dims, std::vector<int64_t> wanted, bool zero_is_zero);
std::vector<int64_t> squeezed(const std::vector<int64_t>& dims, const std::vector<int64_t>& axes);
std::vector<int64_t> unsqueezed(const std::vector<int64_t>& dims, const std::vector<int64_t>& axes);

// Which elements of an axis of `extent` a Slice reads: [first, last).
std::pair<int64_t, int64_t> slice_of(int64_t start, int64_t end, int64_t extent);

class OnnxFolder {
 public:
  // `most`: values that all results together may have.
  explicit OnnxFolder(int64_t most) : left_(most) {}
  // The result of a node whose inputs are all constants (nullptr: left out). Throws OnnxRefusal.
  OnnxTensor fold(const OnnxNode& node, const std::vector<const OnnxTensor*>& inputs);
  // The axes of a Squeeze, Unsqueeze or ReduceMean: an attribute once, an input later.
  static std::vector<int64_t> axes(const OnnxNode& node, const OnnxTensor* input);

 private:
  OnnxTensor constant(const OnnxNode& node) const;
  OnnxTensor gather(const OnnxNode& node, const OnnxTensor& data, const OnnxTensor& indices);
  OnnxTensor concat(const OnnxNode& node, const std::vector<const OnnxTensor*>& inputs);
  OnnxTensor slice(const OnnxNode& node, const std::vector<const OnnxTensor*>& inputs);
  OnnxTensor filled(const OnnxNode& node, const OnnxTensor& shape);
  OnnxTensor arithmetic(const OnnxNode& node, const OnnxTensor& a, const OnnxTensor& b);
  OnnxTensor transpose(const OnnxNode& node, const OnnxTensor& data);
  void spend(int64_t values);

  int64_t left_;
};

}  // namespace limber
