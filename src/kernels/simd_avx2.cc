// SPDX-License-Identifier: Apache-2.0
#define HWY_COMPILE_ONLY_STATIC
#define HWY_BASELINE_TARGETS HWY_AVX2
#include "kernels/simd-inl.h"

namespace limber::kernels {

LIMBER_KERNEL_TABLE(avx2_table, Isa::kAvx2, add_avx2_tiles(tiles))

}  // namespace limber::kernels
