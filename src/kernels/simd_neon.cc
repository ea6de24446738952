// SPDX-License-Identifier: Apache-2.0
#define HWY_COMPILE_ONLY_STATIC
#define HWY_BASELINE_TARGETS HWY_NEON
#include "kernels/simd-inl.h"

namespace limber::kernels {

LIMBER_KERNEL_TABLE(neon_table, Isa::kNeon, add_neon_tiles(tiles))

}  // namespace limber::kernels
