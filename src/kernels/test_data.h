// SPDX-License-Identifier: Apache-2.0
// Buffers for the kernel tests and benchmarks. Layer: kernels (tests only).
#pragma once
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <vector>

#include "kernels/planes.h"

namespace limber::kernels {

// A 64-byte aligned buffer of floats.
class Floats {
 public:
  explicit Floats(int64_t size, float value = 0.0f) : size_(size) {
    const size_t bytes = (static_cast<size_t>(size) * sizeof(float) + 127) / 64 * 64;
    data_.reset(static_cast<float*>(std::aligned_alloc(64, bytes)));
    for (int64_t i = 0; i < size; ++i) data_[static_cast<size_t>(i)] = value;
  }
  float* data() { return data_.get(); }
  const float* data() const { return data_.get(); }
  int64_t size() const { return size_; }
  std::span<float> span() { return {data_.get(), static_cast<size_t>(size_)}; }

 private:
  struct Free {
    void operator()(float* p) const { std::free(p); }
  };
  int64_t size_;
  std::unique_ptr<float[], Free> data_;
};

// A seeded generator of numbers in [-1, 1).
class Random {
 public:
  explicit Random(uint32_t seed) : state_(seed * 2654435761u + 1) {}
  uint32_t bits() {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 17;
    state_ ^= state_ << 5;
    return state_;
  }
  float value() { return static_cast<float>(bits() >> 8) / 8388608.0f - 1.0f; }
  int between(int low, int high) { return low + static_cast<int>(bits() % static_cast<uint32_t>(high - low + 1)); }
  std::vector<float> values(int64_t count) {
    std::vector<float> result(static_cast<size_t>(count));
    for (float& x : result) x = value();
    return result;
  }

 private:
  uint32_t state_;
};

// A tensor with a halo. Fresh: everything, halo and padding lanes too, holds `value`.
struct Tensor {
  Tensor(int height, int width, int channels, int halo_pixels, float value = 0.0f)
      : floats(planes_floats(height, width, channels, halo_pixels), value),
        planes(make_planes(floats.data(), height, width, channels, halo_pixels)),
        halo(halo_pixels) {}

  float& at(int c, int y, int x) {
    return planes.data[(c / kLanes) * planes.plane_stride + y * planes.row_stride + x * kLanes + c % kLanes];
  }
  void randomize(Random& random) {
    for (int c = 0; c < planes.channels; ++c) {
      for (int y = 0; y < planes.height; ++y) {
        for (int x = 0; x < planes.width; ++x) at(c, y, x) = random.value();
      }
    }
  }

  Floats floats;
  Planes planes;
  int halo;
};

}  // namespace limber::kernels
