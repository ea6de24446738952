// SPDX-License-Identifier: Apache-2.0
#include "formats/weight_store.h"

#include <cstring>

#include "base/error.h"
#include "base/half.h"

namespace limber {

std::string WeightStore::add(const std::string& wanted, std::vector<int64_t> shape,
                             std::shared_ptr<const std::vector<float>> values, bool half) {
  left_ -= static_cast<int64_t>(values->size());
  if (left_ < 0)
    fail(ErrorCode::kUnsupported, "tensor '{}': the weights become many times what the file holds", wanted);
  Tensor tensor;
  tensor.name = legal_name(wanted, index_);
  tensor.shape = std::move(shape);
  if (half) {
    auto bytes = std::make_shared<std::vector<std::byte>>(values->size() * 2);
    for (std::size_t i = 0; i < values->size(); ++i) {
      const uint16_t bits = float_to_half((*values)[i]);
      std::memcpy(bytes->data() + 2 * i, &bits, 2);
    }
    tensor.dtype = DType::kF16;
    tensor.bytes = *bytes;
    tensor.owner = bytes;
  } else {
    tensor.bytes = std::as_bytes(std::span(*values));
    tensor.owner = values;
  }
  index_.emplace(tensor.name, tensors_.size());
  tensors_.push_back(std::move(tensor));
  return tensors_.back().name;
}

std::vector<float> WeightStore::values(const std::string& name) const {
  const Tensor& from = tensor(name);
  std::vector<float> result(from.bytes.size() / (from.dtype == DType::kF16 ? 2 : 4));
  if (from.dtype == DType::kF32) {
    std::memcpy(result.data(), from.bytes.data(), from.bytes.size());
    return result;
  }
  for (std::size_t i = 0; i < result.size(); ++i) {
    uint16_t bits;
    std::memcpy(&bits, from.bytes.data() + 2 * i, 2);
    result[i] = half_to_float(bits);
  }
  return result;
}

std::vector<Tensor> WeightStore::take(const Graph& graph) {
  std::set<std::string> used;
  for (const Node& node : graph.nodes) {
    used.insert({node.weight, node.bias});
    if (node.norm) used.insert({node.norm->weight, node.norm->bias, node.norm->mean, node.norm->variance});
    for (const KernelTransform& transform : node.transforms) used.insert(transform.matrix);
  }
  std::vector<Tensor> result;
  for (Tensor& tensor : tensors_) {
    if (used.count(tensor.name) != 0) result.push_back(std::move(tensor));
  }
  return result;
}

}  // namespace limber
