// SPDX-License-Identifier: Apache-2.0
#define HWY_COMPILE_ONLY_STATIC
#define HWY_BASELINE_TARGETS HWY_AVX3
#include "kernels/conv2d_tile-inl.h"

namespace limber::kernels {

void add_avx512_stride2_tiles(ConvTiles& tiles) {
  HWY_NAMESPACE::add_tiles<8, 1, 2>(tiles);
  HWY_NAMESPACE::add_tiles<8, 2, 2>(tiles);
  HWY_NAMESPACE::add_tiles<6, 4, 2>(tiles);
  tiles.tile[1][1][14] = HWY_NAMESPACE::conv_tile<14, 1, 2 * kLanes>;
  tiles.tile[1][2][14] = HWY_NAMESPACE::conv_tile<14, 2, 2 * kLanes>;
}

}  // namespace limber::kernels
