// SPDX-License-Identifier: Apache-2.0
#define HWY_COMPILE_ONLY_STATIC
#define HWY_BASELINE_TARGETS HWY_AVX3
#include "kernels/conv2d_tile-inl.h"

namespace limber::kernels {

// For the first layer of a network, which has few outputs.
void add_avx512_narrow_tiles(ConvTiles& tiles) {
  HWY_NAMESPACE::add_narrow_tiles<8, 1, 1>(tiles);
  HWY_NAMESPACE::add_narrow_tiles<8, 2, 1>(tiles);
  HWY_NAMESPACE::add_narrow_tiles<8, 1, 2>(tiles);
  HWY_NAMESPACE::add_narrow_tiles<8, 2, 2>(tiles);
  tiles.tile[2][1][14] = HWY_NAMESPACE::conv_tile<14, 1, kNarrowLanes>;
  tiles.tile[2][1][16] = HWY_NAMESPACE::conv_tile<16, 1, kNarrowLanes>;
  tiles.tile[2][2][14] = HWY_NAMESPACE::conv_tile<14, 2, kNarrowLanes>;
  tiles.tile[3][1][14] = HWY_NAMESPACE::conv_tile<14, 1, 2 * kNarrowLanes>;
  tiles.tile[3][1][16] = HWY_NAMESPACE::conv_tile<16, 1, 2 * kNarrowLanes>;
  tiles.tile[3][2][14] = HWY_NAMESPACE::conv_tile<14, 2, 2 * kNarrowLanes>;
}

}  // namespace limber::kernels
