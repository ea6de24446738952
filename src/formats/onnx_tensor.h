// SPDX-License-Identifier: Apache-2.0
// A tensor of an ONNX file as plain numbers, checked. Layer: formats; an optional component (LIMBER_ONNX).
#pragma once
#include <onnx/onnx_pb.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/mapped_file.h"

namespace limber {

// Values are shared: a copy of the object costs no copy of the numbers. FLOAT, FLOAT16 and DOUBLE become floats, INT32,
// INT64 and BOOL integers; of any other type only `type` is known.
struct OnnxTensor {
  std::vector<int64_t> dims;
  std::string type;   // as ONNX calls it: "FLOAT", "INT64"
  bool half = false;  // every value is one of FLOAT16
  std::shared_ptr<const std::vector<float>> floats;
  std::shared_ptr<const std::vector<int64_t>> integers;

  int64_t count() const;  // product of dims, 1 for a scalar
  bool known() const { return floats || integers; }
};

OnnxTensor onnx_floats(std::vector<int64_t> dims, std::vector<float> values, bool half = false);
OnnxTensor onnx_integers(std::vector<int64_t> dims, std::vector<int64_t> values);

// Reads tensors of one file. Data outside the file is read from beside it only: a relative path without "..", whose
// file, links resolved, lies in `folder`; with an empty folder it is refused.
class OnnxTensorReader {
 public:
  explicit OnnxTensorReader(std::string folder) : folder_(std::move(folder)) {}
  // Fails with kBadFile unless rank, extents and the number of values fit each other. `what` opens the message.
  OnnxTensor read(const onnx::TensorProto& from, const std::string& what);

 private:
  std::span<const std::byte> external(const onnx::TensorProto& from, uint64_t bytes, const std::string& what);

  std::string folder_;
  std::map<std::string, MappedFile> files_;
};

}  // namespace limber
