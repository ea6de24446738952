// SPDX-License-Identifier: Apache-2.0
#include "design/published/accuracy_mlp.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/error.h"
#include "formats/safetensors.h"

namespace limber {
namespace {

constexpr std::array<std::size_t, 5> kWidths = {128, 400, 400, 400, 1};
constexpr std::size_t kExpandInputs = 60, kResolutionInputs = 120, kResolutions = 8;
constexpr int64_t kSmallest = 112, kResolutionStep = 16;

std::vector<float> floats(const SafeTensors& file, const std::string& path, const std::string& name,
                          const std::vector<int64_t>& shape) {
  for (const Tensor& tensor : file.tensors) {
    if (tensor.name != name) continue;
    if (tensor.dtype != DType::kF32 || tensor.shape != shape)
      fail(ErrorCode::kBadFile, "{}: tensor '{}' is not F32 of the predictor's shape", path, name);
    std::vector<float> values(tensor.bytes.size() / sizeof(float));
    std::memcpy(values.data(), tensor.bytes.data(), tensor.bytes.size());
    if (!std::all_of(values.begin(), values.end(), [](float value) { return std::isfinite(value); }))
      fail(ErrorCode::kBadFile, "{}: tensor '{}' has values that are not finite", path, name);
    return values;
  }
  fail(ErrorCode::kBadFile, "{}: tensor '{}' is missing; an accuracy predictor has 0., 2., 4. and 6.weight and .bias",
       path, name);
}

std::size_t place(int64_t value, int64_t first, int64_t second, int64_t third, const char* what) {
  if (value == first) return 0;
  if (value == second) return 1;
  if (value == third) return 2;
  fail(ErrorCode::kInvalidArgument, "accuracy predictor: {} {}; legal: {}, {}, {}", what, value, first, second, third);
}

std::array<float, 128> encode(const OfaChoice& choice) {
  std::array<float, 128> inputs{};
  for (int slot = 0; slot < kOfaSlots; ++slot) {
    if (!choice.active(slot)) continue;
    const auto i = static_cast<std::size_t>(slot);
    inputs[3 * i + place(choice.kernel[i], 3, 5, 7, "kernel")] = 1;
    inputs[kExpandInputs + 3 * i + place(choice.expand[i], 3, 4, 6, "expansion")] = 1;
  }
  const int64_t cell = (choice.resolution - kSmallest) / kResolutionStep;
  if (choice.resolution < kSmallest || cell >= static_cast<int64_t>(kResolutions)) {
    fail(ErrorCode::kInvalidArgument, "accuracy predictor: resolution {}; legal: {} to {}", choice.resolution,
         kSmallest, kSmallest + kResolutionStep * static_cast<int64_t>(kResolutions) - 1);
  }
  inputs[kResolutionInputs + static_cast<std::size_t>(cell)] = 1;
  return inputs;
}

}  // namespace

PublishedAccuracyMlp::PublishedAccuracyMlp(const std::string& path) {
  const SafeTensors file = read_safetensors(path);
  for (std::size_t l = 0; l < layers_.size(); ++l) {
    Layer& layer = layers_[l];
    layer.inputs = kWidths[l];
    layer.outputs = kWidths[l + 1];
    const auto inputs = static_cast<int64_t>(layer.inputs), outputs = static_cast<int64_t>(layer.outputs);
    const std::vector<float> rows = floats(file, path, fmt::format("{}.weight", 2 * l), {outputs, inputs});
    layer.bias = floats(file, path, fmt::format("{}.bias", 2 * l), {outputs});
    layer.weights.resize(rows.size());
    for (std::size_t o = 0; o < layer.outputs; ++o) {
      for (std::size_t i = 0; i < layer.inputs; ++i) layer.weights[i * layer.outputs + o] = rows[o * layer.inputs + i];
    }
  }
}

double PublishedAccuracyMlp::predict(const OfaChoice& choice) const {
  const std::array<float, 128> encoded = encode(choice);
  std::vector<float> values(encoded.begin(), encoded.end());
  for (std::size_t l = 0; l < layers_.size(); ++l) {
    const Layer& layer = layers_[l];
    std::vector<float> sums = layer.bias;
    for (std::size_t i = 0; i < layer.inputs; ++i) {
      const float value = values[i];
      if (value == 0) continue;  // after ReLU about half of them
      const float* row = layer.weights.data() + i * layer.outputs;
      for (std::size_t o = 0; o < layer.outputs; ++o) sums[o] += value * row[o];
    }
    if (l + 1 < layers_.size()) {
      for (float& sum : sums) sum = std::max(sum, 0.0f);
    }
    values = std::move(sums);
  }
  return values.front();
}

}  // namespace limber
