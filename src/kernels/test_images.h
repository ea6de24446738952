// SPDX-License-Identifier: Apache-2.0
// Images that another program can make too, and one number for all their bytes. Layer: kernels (tests only).
#pragma once
#include <cstdint>
#include <vector>

namespace limber {

// The high bytes of x = 1103515245 x + 12345 (mod 2^32), from x = 12345.
inline std::vector<uint8_t> test_image(int64_t height, int64_t width, int64_t channels) {
  std::vector<uint8_t> pixels(static_cast<std::size_t>(height * width * channels));
  uint32_t state = 12345;
  for (uint8_t& pixel : pixels) {
    state = state * 1103515245u + 12345u;
    pixel = static_cast<uint8_t>(state >> 24);
  }
  return pixels;
}

// FNV-1a, 64 bits.
inline uint64_t test_digest(const std::vector<uint8_t>& bytes) {
  uint64_t hash = 0xcbf29ce484222325u;
  for (const uint8_t byte : bytes) hash = (hash ^ byte) * 0x100000001b3u;
  return hash;
}

}  // namespace limber
