// SPDX-License-Identifier: Apache-2.0
#include "kernels/planes.h"

#include <cstring>

namespace limber::kernels {

void zero_halo(const Planes& planes, int halo) {
  if (halo == 0) return;
  const size_t side = static_cast<size_t>(halo) * kLanes * sizeof(float);
  const size_t line = static_cast<size_t>(planes.width + 2 * halo) * kLanes * sizeof(float);
  for (int64_t plane = 0; plane < planes_of(planes.channels); ++plane) {
    float* pixel = planes.data + plane * planes.plane_stride;
    for (int y = -halo; y < planes.height + halo; ++y) {
      float* row = pixel + y * planes.row_stride;
      if (y < 0 || y >= planes.height) {
        std::memset(row - halo * kLanes, 0, line);
      } else {
        std::memset(row - halo * kLanes, 0, side);
        std::memset(row + planes.width * kLanes, 0, side);
      }
    }
  }
}

int64_t planes_floats(int height, int width, int channels, int halo) {
  return planes_of(channels) * (height + 2 * halo) * (width + 2 * halo) * kLanes;
}

Planes make_planes(float* data, int height, int width, int channels, int halo) {
  Planes planes;
  planes.row_stride = static_cast<int64_t>(width + 2 * halo) * kLanes;
  planes.plane_stride = planes.row_stride * (height + 2 * halo);
  planes.data = data + halo * (planes.row_stride + kLanes);
  planes.height = height;
  planes.width = width;
  planes.channels = channels;
  return planes;
}

std::vector<float> preprocessing_table(std::span<const float> mean, std::span<const float> deviation) {
  std::vector<float> table(mean.size() * 256);
  for (size_t c = 0; c < mean.size(); ++c) {
    for (size_t byte = 0; byte < 256; ++byte) {
      table[c * 256 + byte] = (static_cast<float>(byte) / 255.0f - mean[c]) / deviation[c];
    }
  }
  return table;
}

void to_floats(const ConstPlanes& input, int height, int width, int channels, float* values) {
  for (int c = 0; c < channels; ++c) {
    const float* plane = input.data + (c / kLanes) * input.plane_stride + c % kLanes;
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < width; ++x) *values++ = plane[y * input.row_stride + x * kLanes];
    }
  }
}

}  // namespace limber::kernels
