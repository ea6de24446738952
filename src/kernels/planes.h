// SPDX-License-Identifier: Apache-2.0
// Helpers around the channel-blocked layout that need no SIMD. Layer: kernels.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "kernels/kernels.h"

namespace limber::kernels {

// Zeroes `halo` pixels around every plane (row_stride >= (width + 2 * halo) * 16, plane_stride >= (height + 2 * halo)
// rows). Touches the perimeter only. The producer of a tensor calls it each time, since arena memory is reused.
void zero_halo(const Planes& planes, int halo);

// Floats of a buffer for these extents with a halo, and the Planes inside it. data must be 64-byte aligned.
int64_t planes_floats(int height, int width, int channels, int halo);
Planes make_planes(float* data, int height, int width, int channels, int halo);

// (byte / 255 - mean) / deviation for every channel and byte: [channels][256].
std::vector<float> preprocessing_table(std::span<const float> mean, std::span<const float> deviation);

// Planes to [channels][height][width].
void to_floats(const ConstPlanes& input, int height, int width, int channels, float* values);

}  // namespace limber::kernels
