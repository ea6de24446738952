// SPDX-License-Identifier: Apache-2.0
#define HWY_COMPILE_ONLY_STATIC
#define HWY_BASELINE_TARGETS HWY_AVX3
#include "kernels/simd-inl.h"

namespace limber::kernels {

LIMBER_KERNEL_TABLE(avx512_table, Isa::kAvx512, add_avx512_stride1_tiles(tiles); add_avx512_stride2_tiles(tiles);
                    add_avx512_narrow_tiles(tiles); add_avx512_half_tiles(tiles))

}  // namespace limber::kernels
