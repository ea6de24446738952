// SPDX-License-Identifier: Apache-2.0
#define HWY_COMPILE_ONLY_STATIC
#define HWY_BASELINE_TARGETS HWY_AVX3
#include "kernels/conv2d_tile-inl.h"

namespace limber::kernels {

// Enough rows to hide the latency of the multiply-add and to load less than is computed; 14 and 16 divide the usual
// widths.
void add_avx512_stride1_tiles(ConvTiles& tiles) {
  tiles.vectors = HWY_NAMESPACE::kVectors;
  HWY_NAMESPACE::add_tiles<8, 1, 1>(tiles);
  HWY_NAMESPACE::add_tiles<8, 2, 1>(tiles);
  HWY_NAMESPACE::add_tiles<8, 3, 1>(tiles);
  HWY_NAMESPACE::add_tiles<6, 4, 1>(tiles);
  HWY_NAMESPACE::add_half_weight_tiles<4>(tiles);
  tiles.tile[0][1][14] = HWY_NAMESPACE::conv_tile<14, 1, kLanes>;
  tiles.tile[0][1][16] = HWY_NAMESPACE::conv_tile<16, 1, kLanes>;
  tiles.tile[0][2][14] = HWY_NAMESPACE::conv_tile<14, 2, kLanes>;
}

}  // namespace limber::kernels
