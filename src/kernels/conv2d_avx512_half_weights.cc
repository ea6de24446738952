// SPDX-License-Identifier: Apache-2.0
#define HWY_COMPILE_ONLY_STATIC
#define HWY_BASELINE_TARGETS HWY_AVX3
#include "kernels/conv2d_tile-inl.h"

namespace limber::kernels {

// The sizes of conv2d_avx512_stride1.cc.
void add_avx512_half_weight_tiles(ConvTiles& tiles) {
  HWY_NAMESPACE::add_half_weight_tiles<8, 1>(tiles);
  HWY_NAMESPACE::add_half_weight_tiles<8, 2>(tiles);
  HWY_NAMESPACE::add_half_weight_tiles<8, 3>(tiles);
  HWY_NAMESPACE::add_half_weight_tiles<6, 4>(tiles);
  tiles.half_weights[1][14] = HWY_NAMESPACE::conv_tile<14, 1, kLanes, false, uint16_t>;
  tiles.half_weights[1][16] = HWY_NAMESPACE::conv_tile<16, 1, kLanes, false, uint16_t>;
  tiles.half_weights[2][14] = HWY_NAMESPACE::conv_tile<14, 2, kLanes, false, uint16_t>;
}

}  // namespace limber::kernels
