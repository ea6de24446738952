// SPDX-License-Identifier: Apache-2.0
#include "kernels/pack.h"

#include <algorithm>

#include "kernels/kernels.h"

namespace limber::kernels {
namespace {

// Calls f(first, end) for each stretch of outputs between boundaries.
template <typename F>
void for_each_block(const PanelShape& shape, F f) {
  int64_t first = 0;
  for (int64_t boundary : shape.boundaries) {
    if (boundary <= first || boundary >= shape.outputs) continue;
    f(first, boundary);
    first = boundary;
  }
  f(first, shape.outputs);
}

}  // namespace

int64_t PanelShape::panels() const {
  int64_t count = 0;
  for_each_block(*this, [&](int64_t first, int64_t end) { count += planes_of(end - first); });
  return count;
}

int64_t PanelShape::offset(int64_t output) const {
  int64_t count = 0, found = -1;
  for_each_block(*this, [&](int64_t first, int64_t end) {
    if (output >= first && output < end && (output - first) % kLanes == 0) found = count + (output - first) / kLanes;
    count += planes_of(end - first);
  });
  return found < 0 ? -1 : found * panel_stride();
}

void pack_panels(const PanelShape& shape, std::span<const float> weights, std::span<float> packed) {
  float* to = packed.data();
  const float* from = weights.data();
  for_each_block(shape, [&](int64_t first, int64_t end) {
    for (int64_t panel = first; panel < end; panel += kLanes) {
      for (int64_t tap = 0; tap < shape.taps; ++tap) {
        for (int64_t k = 0; k < shape.inputs; ++k, to += kLanes) {
          for (int64_t lane = 0; lane < kLanes; ++lane) {
            const int64_t n = panel + lane;
            to[lane] = n < end ? from[(n * shape.inputs + k) * shape.taps + tap] : 0.0f;
          }
        }
      }
    }
  });
}

void pack_depthwise(int64_t channels, int64_t taps, std::span<const float> weights, std::span<float> packed) {
  std::fill(packed.begin(), packed.end(), 0.0f);
  for (int64_t c = 0; c < channels; ++c) {
    for (int64_t tap = 0; tap < taps; ++tap) {
      packed[static_cast<size_t>(((c / kLanes) * taps + tap) * kLanes + c % kLanes)] =
          weights[static_cast<size_t>(c * taps + tap)];
    }
  }
}

void pack_lanes(std::span<const float> values, std::span<float> packed) {
  std::copy(values.begin(), values.end(), packed.begin());
  std::fill(packed.begin() + static_cast<std::ptrdiff_t>(values.size()), packed.end(), 0.0f);
}

}  // namespace limber::kernels
