// SPDX-License-Identifier: Apache-2.0
// How the convolution's driver cuts an output: into bands of lines and groups of panels, whose pairs are the items of
// work, and these into tiles. Layer: kernels.
#pragma once
#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

#include "kernels/conv2d_tile.h"

namespace limber::kernels {

class ConvCut {
 public:
  ConvCut(const ConvTiles& tiles, const Conv2dArgs& args);

  int64_t bands() const { return bands_; }
  int64_t groups() const { return groups_; }
  // Lines [first, second) of a band. Where all pixels lie one behind the other (a 1x1 convolution over contiguous
  // lines), a line is a chunk of them instead.
  std::pair<int64_t, int64_t> lines(int64_t band) const {
    return {band * band_lines_, std::min(lines_, (band + 1) * band_lines_)};
  }
  struct Line {
    int64_t y, x, length;
  };
  Line line(int64_t line) const {
    if (!flat_) return {line, 0, line_};
    return {0, line * kFlatChunk, std::min(kFlatChunk, pixels_ - line * kFlatChunk)};
  }

  struct Split {
    int rows = 0;       // of a tile
    int64_t tiles = 0;  // of which the first `larger` have one row more
    int64_t larger = 0;
  };
  Split split(int64_t length, int panels) const;

  // Groups are ordered by size, largest first, and the one with half a panel behind them.
  int64_t first_panel(int64_t group) const;
  int panels(int64_t group) const;
  // The group's tile functions, by rows.
  const ConvTileFunction* functions(int64_t group) const {
    const int size = panels(group);
    return half_ && group + 1 == groups_ ? half_[size] : functions_[static_cast<size_t>(size)];
  }

  // There are too many weights to stay in a cache while others are used: each group's are read for all lines at once.
  bool streams_weights() const { return streams_; }
  int64_t tiles(int64_t item) const;  // of full lines

 private:
  // That tile sizes divide.
  static constexpr int64_t kFlatChunk = 112;

  int most_rows(int panels) const;
  double tile_cost(int rows, int panels, double vectors) const;
  double line_cost(int panels, bool half) const;
  void choose_bands();
  void choose_groups();
  int choose_half(int64_t panels, const std::array<double, kMaxTilePanels + 1>& cost) const;

  const Conv2dArgs& args_;
  bool flat_;
  bool streams_ = false;
  int vectors_;
  int half_panels_ = 0;                                         // of the last group
  const ConvTileFunction (*half_)[kMaxTileRows + 1] = nullptr;  // null: the last panel is a whole one
  std::array<const ConvTileFunction*, kMaxTilePanels + 1> functions_{};
  std::array<int, kMaxTilePanels + 1> most_rows_{};
  std::array<int64_t, kMaxTilePanels + 1> count_{};  // groups of each size
  int64_t pixels_ = 0, lines_ = 0, line_ = 0, channels_ = 0, depth_ = 0, band_lines_ = 1, bands_ = 0, groups_ = 0;
};

}  // namespace limber::kernels
