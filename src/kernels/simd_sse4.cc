// SPDX-License-Identifier: Apache-2.0
#define HWY_COMPILE_ONLY_STATIC
#define HWY_BASELINE_TARGETS HWY_SSE4
#include "kernels/simd-inl.h"

namespace limber::kernels {

LIMBER_KERNEL_TABLE(sse4_table, Isa::kSse4, add_sse4_tiles(tiles))

}  // namespace limber::kernels
