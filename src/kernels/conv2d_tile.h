// SPDX-License-Identifier: Apache-2.0
// The interface between the convolution's driver (conv2d.cc, the same for every ISA) and the micro-kernels of one ISA.
#pragma once
#include "kernels/kernels.h"

namespace limber::kernels {

// Computes a tile: `rows` pixels from (y, x) on, along x, times `panels` planes from `panel` on; complete with
// epilogue.
using ConvTileFunction = void (*)(const Conv2dArgs& args, int64_t panel, int64_t y, int64_t x);

inline constexpr int kMaxTilePanels = 4, kMaxTileRows = 16;

// Which tiles an ISA has; null: none. [stride 1 or 2 - 1][panels][rows]. Tiles of one row serve any stride.
struct ConvTiles {
  ConvTileFunction tile[2][kMaxTilePanels + 1][kMaxTileRows + 1] = {};
  int vectors = 1;  // per panel: for the cost of a tile
};

// A convolution kernel that uses these tiles.
int64_t conv2d_items(const ConvTiles& tiles, const Conv2dArgs& args);
void conv2d_run(const ConvTiles& tiles, const Conv2dArgs& args, int64_t begin, int64_t end);

// One function per ISA and stride, since these are the slow ones to compile.
void add_sse4_tiles(ConvTiles& tiles);
void add_avx2_tiles(ConvTiles& tiles);
void add_avx512_stride1_tiles(ConvTiles& tiles);
void add_avx512_stride2_tiles(ConvTiles& tiles);
void add_neon_tiles(ConvTiles& tiles);

}  // namespace limber::kernels
