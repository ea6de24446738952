// SPDX-License-Identifier: Apache-2.0
// IEEE 754 binary16 to and from float, without hardware help. Layer: base.
#pragma once
#include <cstdint>

namespace limber {

// Exact: every half is a float. Infinities and NaN keep their kind.
float half_to_float(uint16_t half);

// Rounds to nearest, ties to even; too large becomes infinity, too small a subnormal or zero. NaN stays NaN.
uint16_t float_to_half(float value);

}  // namespace limber
