// SPDX-License-Identifier: Apache-2.0
// Which training images are the validation split. Layer: formats.
#pragma once
#include <cstdint>
#include <span>

namespace limber {

// About one training image in ten, chosen by a seeded hash of its pixels (height, width, channel order): the same
// images whatever file format or order they come in, and equal pictures never lie in both splits.
inline bool in_validation(std::span<const uint8_t> pixels) {
  uint64_t hash = 0xcbf29ce484222325u ^ 42;  // FNV-1a with a seed
  for (const uint8_t pixel : pixels) hash = (hash ^ pixel) * 0x100000001b3u;
  hash = (hash ^ (hash >> 30)) * 0xbf58476d1ce4e5b9u;  // splitmix64's finish: FNV's low bits alone are poor
  hash = (hash ^ (hash >> 27)) * 0x94d049bb133111ebu;
  return (hash ^ (hash >> 31)) % 10 == 0;
}

}  // namespace limber
