// SPDX-License-Identifier: Apache-2.0
// The interface between the convolution's driver (conv2d.cc, the same for every ISA) and the micro-kernels of one ISA.
// Layer: kernels.
#pragma once
#include <algorithm>

#include "kernels/kernels.h"

namespace limber::kernels {

// Cache lines [begin, end) of what an Upcoming names, one after another.
class Lines {
 public:
  static constexpr int64_t kLine = 64;  // bytes

  Lines() = default;
  Lines(const Upcoming& what, int64_t begin, int64_t end)
      : left_(end - begin), gap_(what.row_stride - what.row_bytes), row_(what.row_bytes) {
    if (left_ <= 0) return;
    const int64_t lines = lines_of(what) / what.rows;
    at_ = what.data + begin / lines * what.row_stride + begin % lines * kLine;
    row_end_ = what.data + begin / lines * what.row_stride + what.row_bytes;
  }

  static int64_t lines_of(const Upcoming& what) { return what.rows * ((what.row_bytes + kLine - 1) / kLine); }

  int64_t left() const { return left_; }
  const std::byte* take() {  // the next line; there must be one left
    const std::byte* const line = at_;
    --left_;
    at_ += kLine;
    if (at_ >= row_end_) {
      at_ = row_end_ + gap_;
      row_end_ = at_ + row_;
    }
    return line;
  }

 private:
  int64_t left_ = 0, gap_ = 0, row_ = 0;
  const std::byte *at_ = nullptr, *row_end_ = nullptr;
};

// Asks the L2 cache for weights, a few lines at each call of some(): the first ones of later convolutions, and those
// that the same convolution reads next.
class Fetcher {
 public:
  Fetcher() = default;
  Fetcher(const Lines& later, int64_t calls) : later_{later, per_call(later, calls)} {}

  void own(const Lines& lines, int64_t calls) { own_ = {lines, per_call(lines, calls)}; }
  void some() {
    own_.some();
    later_.some();
  }

 private:
  struct Stream {
    Lines lines;
    int64_t at_once = 0;
    void some() {
      for (int64_t n = std::min(lines.left(), at_once); n > 0; --n) __builtin_prefetch(lines.take(), 0, 2);
    }
  };
  static int64_t per_call(const Lines& lines, int64_t calls) {
    return (lines.left() + calls - 1) / std::max<int64_t>(1, calls);
  }
  Stream own_, later_;
};

// Computes a tile: `rows` pixels from (y, x) on, along x, times `panels` planes from `panel` on; complete with
// epilogue. Calls fetcher.some() once for each tap and 16 (or fewer, the last ones) input channels.
using ConvTileFunction = void (*)(const Conv2dArgs& args, int64_t panel, int64_t y, int64_t x, Fetcher& fetcher);

inline constexpr int kMaxTilePanels = 4, kMaxTileRows = 16;

// Which tiles an ISA has; null: none. [stride 1 or 2 - 1, + 2 for narrow inputs][panels][rows]. Tiles of one row serve
// any stride of inputs that are not narrow.
struct ConvTiles {
  ConvTileFunction tile[4][kMaxTilePanels + 1][kMaxTileRows + 1] = {};
  // For stride 1 and a last panel of 8 or fewer outputs; where one is, all row counts of the whole panels are. A vector
  // of half the width costs half as much on some processors, and no more on the others.
  ConvTileFunction half[kMaxTilePanels + 1][kMaxTileRows + 1] = {};
  // For weights in half precision: of one row, since these are for layers of one pixel.
  ConvTileFunction half_weights[kMaxTilePanels + 1][kMaxTileRows + 1] = {};
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
void add_avx512_narrow_tiles(ConvTiles& tiles);
void add_avx512_half_tiles(ConvTiles& tiles);
void add_neon_tiles(ConvTiles& tiles);

}  // namespace limber::kernels
