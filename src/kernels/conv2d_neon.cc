// SPDX-License-Identifier: Apache-2.0
#define HWY_COMPILE_ONLY_STATIC
#define HWY_BASELINE_TARGETS HWY_NEON
#include "kernels/conv2d_tile-inl.h"

namespace limber::kernels {

void add_neon_tiles(ConvTiles& tiles) {
  tiles.vectors = HWY_NAMESPACE::kVectors;
  HWY_NAMESPACE::add_tiles<6, 1, 1>(tiles);
  HWY_NAMESPACE::add_tiles<6, 1, 2>(tiles);
  HWY_NAMESPACE::add_half_weight_tiles<1>(tiles);
  HWY_NAMESPACE::add_narrow_tiles<6, 1, 1>(tiles);
  HWY_NAMESPACE::add_narrow_tiles<6, 1, 2>(tiles);
}

}  // namespace limber::kernels
