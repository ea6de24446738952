// SPDX-License-Identifier: Apache-2.0
// Vector helpers, compiled once per ISA: included by translation units that set HWY_BASELINE_TARGETS to one Highway
// target and HWY_COMPILE_ONLY_STATIC. Vectors have at most 16 lanes, so a plane takes kVectors of them. Layer: kernels.
#pragma once
#include <hwy/highway.h>

#include <algorithm>

#include "kernels/kernels.h"

#define LIMBER_INLINE inline __attribute__((always_inline))

// Before a loop over accumulators: without it GCC spills the array. Rolled, the sums and their order are the same, and
// a sanitizer instruments the code in minutes, not hours.
#ifdef LIMBER_ROLLED
#define LIMBER_UNROLL
#else
#define LIMBER_UNROLL _Pragma("GCC unroll 64")
#endif

HWY_BEFORE_NAMESPACE();
namespace limber::kernels {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using D = hn::CappedTag<float, kLanes>;
using V = hn::Vec<D>;
inline constexpr int kVectorLanes = HWY_LANES(float) < kLanes ? HWY_LANES(float) : kLanes;
inline constexpr int kVectors = kLanes / kVectorLanes;  // vectors of a plane's pixel

// Written like the reference: one multiply-add, clamp, multiply.
template <Activation activation>
LIMBER_INLINE V activated(V x) {
  const D d;
  if constexpr (activation == Activation::kRelu) return hn::Max(x, hn::Zero(d));
  if constexpr (activation == Activation::kRelu6) return hn::Min(hn::Max(x, hn::Zero(d)), hn::Set(d, 6.0f));
  if constexpr (activation == Activation::kHardSwish || activation == Activation::kHardSigmoid) {
    V t = hn::MulAdd(x, hn::Set(d, 1.0f / 6.0f), hn::Set(d, 0.5f));
    t = hn::Min(hn::Max(t, hn::Zero(d)), hn::Set(d, 1.0f));
    if constexpr (activation == Activation::kHardSwish) return hn::Mul(x, t);
    return t;
  }
  return x;
}

// x in the first `channels - channel` lanes, 0 behind: hard sigmoid makes 0.5 of the 0 in padding lanes.
LIMBER_INLINE V without_padding(V x, int64_t channels, int64_t channel) {
  const D d;
  const int64_t valid = std::clamp<int64_t>(channels - channel, 0, kVectorLanes);
  return hn::IfThenElseZero(hn::FirstN(d, static_cast<size_t>(valid)), x);
}

}  // namespace HWY_NAMESPACE
}  // namespace limber::kernels
HWY_AFTER_NAMESPACE();
