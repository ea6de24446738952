// SPDX-License-Identifier: Apache-2.0
// A small, portable random generator (splitmix64): the same numbers with every standard library. Layer: base.
#pragma once
#include <cstddef>
#include <cstdint>

namespace limber {

class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t next() {
    uint64_t z = state_ += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  uint64_t below(uint64_t n) { return next() % n; }                         // 0 .. n - 1; n > 0
  double uniform() { return static_cast<double>(next() >> 11) * 0x1p-53; }  // 0 <= x < 1
  bool chance(double probability) { return uniform() < probability; }
  template <typename Values>
  const auto& pick(const Values& values) {
    return values[static_cast<std::size_t>(below(values.size()))];
  }

 private:
  uint64_t state_;
};

}  // namespace limber
