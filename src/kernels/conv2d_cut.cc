// SPDX-License-Identifier: Apache-2.0
#include "kernels/conv2d_cut.h"

#include <limits>

namespace limber::kernels {
namespace {

// Of input a band reads, to stay in the L1 cache while the panel groups pass over it.
constexpr int64_t kBandBytes = 32 << 10;
constexpr int64_t kMinItems = 4;  // so that a few cores find work in a small map
// More weights than this are gone from the L2 cache when the next band wants them again, and come from a cache that
// gives 10 bytes a cycle (Sapphire Rapids) where 16 are wanted. So groups pass over all lines instead, as long as the
// input stays in L2: ResNet-50 68 -> 60 ms.
constexpr int64_t kStreamedBytes = 512 << 10, kStreamedInput = 1 << 20;

bool flat(const Conv2dArgs& args) {
  if (args.input_lanes != kLanes || args.kernel_height != 1 || args.kernel_width != 1 || args.stride != 1 ||
      args.padding != 0)
    return false;
  const int64_t line = static_cast<int64_t>(args.output.width) * kLanes;
  if (args.output.row_stride != line) return false;
  if (args.residual.data && args.residual.row_stride != line) return false;
  if (args.start.data && args.start.row_stride != line) return false;
  for (const ConvRange& range : args.ranges) {
    if (range.input.row_stride != line) return false;
  }
  return true;
}

}  // namespace

ConvCut::ConvCut(const ConvTiles& tiles, const Conv2dArgs& args)
    : args_(args), flat_(::limber::kernels::flat(args)), vectors_(tiles.vectors) {
  for (int panels = 1; panels <= kMaxTilePanels; ++panels) {
    functions_[static_cast<size_t>(panels)] =
        args.weights.half() ? tiles.half_weights[panels]
                            : tiles.tile[(args.stride == 2 ? 1 : 0) + (args.input_lanes == kLanes ? 0 : 2)][panels];
    most_rows_[static_cast<size_t>(panels)] = std::min(most_rows(panels), args.stride <= 2 ? kMaxTileRows : 1);
  }
  if (flat_) {
    pixels_ = static_cast<int64_t>(args.output.height) * args.output.width;
    lines_ = (pixels_ + kFlatChunk - 1) / kFlatChunk;
    line_ = std::min(pixels_, kFlatChunk);
  } else {
    lines_ = args.output.height;
    line_ = args.output.width;
  }
  const int last = args.output.channels % kLanes;
  if (args.stride == 1 && args.input_lanes == kLanes && last > 0 && last <= kLanes / 2 && tiles.half[1][1] &&
      !args.weights.half()) {
    half_ = tiles.half;
  }
  for (const ConvRange& range : args.ranges) channels_ += range.channels;
  depth_ = channels_ * args.kernel_height * args.kernel_width;
  choose_groups();
  choose_bands();
}

int64_t ConvCut::tiles(int64_t item) const {
  const auto [begin, end] = lines(item / groups_);
  return (end - begin) * split(line_, panels(item % groups_)).tiles;
}

int ConvCut::most_rows(int panels) const {
  int rows = 0;  // sizes are there from 1 on without a gap, then single larger ones
  while (rows < kMaxTileRows && functions_[static_cast<size_t>(panels)][rows + 1]) ++rows;
  return rows;
}

ConvCut::Split ConvCut::split(int64_t length, int panels) const {
  for (int rows : {16, 14}) {
    if (most_rows_[static_cast<size_t>(panels)] > 1 && length % rows == 0 &&
        functions_[static_cast<size_t>(panels)][rows]) {
      return {rows, length / rows, 0};
    }
  }
  const int64_t most = most_rows_[static_cast<size_t>(panels)];
  const int64_t tiles = (length + most - 1) / most;
  return {static_cast<int>(length / tiles), tiles, length % tiles};
}

// Cycles of a tile per input channel and tap: multiply-adds and loads at two a cycle, a chain's latency of four
// cycles, and weights from the L2 cache at 16 bytes a cycle.
double ConvCut::tile_cost(int rows, int panels, double vectors) const {
  const auto depth = static_cast<double>(depth_);
  const double step = static_cast<double>(panels * kLanes * args_.weights.value_bytes());
  const double weights = depth * step > 24 << 10 ? step / 16 : 0;
  return std::max({rows * vectors * 0.5, (rows + vectors) * 0.5, 4.0, weights}) + 0.25 +
         (40.0 + 2.0 * rows * vectors) / std::max(1.0, depth);
}

// half: the last panel is half a one.
double ConvCut::line_cost(int panels, bool half) const {
  if (most_rows_[static_cast<size_t>(panels)] == 0) return std::numeric_limits<double>::infinity();
  const Split cut = split(line_, panels);
  const double vectors = (panels - (half ? 0.5 : 0.0)) * vectors_;
  return static_cast<double>(cut.larger) * tile_cost(cut.rows + 1, panels, vectors) +
         static_cast<double>(cut.tiles - cut.larger) * tile_cost(cut.rows, panels, vectors);
}

void ConvCut::choose_bands() {
  const int64_t bytes = line_ * args_.stride * channels_ * 4 * (flat_ ? 1 : args_.stride);
  const int64_t weights = planes_of(args_.output.channels) * depth_ * kLanes * args_.weights.value_bytes();
  streams_ = weights > kStreamedBytes && lines_ * bytes <= kStreamedInput;
  if (streams_) {
    const int64_t bands = std::min(lines_, (kMinItems + groups_ - 1) / groups_);
    band_lines_ = (lines_ + bands - 1) / bands;
  } else {
    band_lines_ =
        std::clamp<int64_t>(kBandBytes / std::max<int64_t>(1, bytes), 1, (lines_ + kMinItems - 1) / kMinItems);
  }
  bands_ = (lines_ + band_lines_ - 1) / band_lines_;
}

// The cheapest way to write the number of panels as a sum of group sizes; only how many groups of each size matters.
void ConvCut::choose_groups() {
  const int64_t panels = planes_of(args_.output.channels);
  std::array<double, kMaxTilePanels + 1> cost{};
  for (int size = 1; size <= kMaxTilePanels; ++size) cost[static_cast<size_t>(size)] = line_cost(size, false);
  int64_t rest = panels;
  if (half_) rest -= half_panels_ = choose_half(panels, cost);
  // Beyond a dozen panels the best size per panel is right for all but the last ones.
  if (rest > 12) {
    int best = 1;
    for (int size = 2; size <= kMaxTilePanels; ++size) {
      if (cost[static_cast<size_t>(size)] / size < cost[static_cast<size_t>(best)] / best) best = size;
    }
    count_[static_cast<size_t>(best)] = (rest - 12 + best - 1) / best;
    rest -= count_[static_cast<size_t>(best)] * best;
  }
  std::array<double, 13> least{};
  std::array<int, 13> last{};
  for (int n = 1; n <= rest; ++n) {
    least[static_cast<size_t>(n)] = std::numeric_limits<double>::infinity();
    for (int size = 1; size <= std::min(n, kMaxTilePanels); ++size) {
      const double total = least[static_cast<size_t>(n - size)] + cost[static_cast<size_t>(size)];
      if (total < least[static_cast<size_t>(n)]) {
        least[static_cast<size_t>(n)] = total;
        last[static_cast<size_t>(n)] = size;
      }
    }
  }
  for (int64_t n = rest; n > 0; n -= last[static_cast<size_t>(n)])
    ++count_[static_cast<size_t>(last[static_cast<size_t>(n)])];
  groups_ = half_ ? 1 : 0;
  for (int64_t count : count_) groups_ += count;
}

// How many panels the last group takes, of which the last is half a one: what makes it and a fair share of the others
// cheapest.
int ConvCut::choose_half(int64_t panels, const std::array<double, kMaxTilePanels + 1>& cost) const {
  double share = std::numeric_limits<double>::infinity();
  for (int size = 1; size <= kMaxTilePanels; ++size) share = std::min(share, cost[static_cast<size_t>(size)] / size);
  int best = 1;
  double least = std::numeric_limits<double>::infinity();
  for (int size = 1; size <= std::min<int64_t>(panels, kMaxTilePanels); ++size) {
    const int64_t others = panels - size;
    const double rest = others > 0 && others <= kMaxTilePanels
                            ? std::min(cost[static_cast<size_t>(others)], static_cast<double>(others) * cost[1])
                            : static_cast<double>(others) * share;
    const double total = line_cost(size, true) + rest;
    if (total < least) {
      least = total;
      best = size;
    }
  }
  return best;
}

int64_t ConvCut::first_panel(int64_t group) const {
  int64_t panel = 0;
  for (int size = kMaxTilePanels; size > 0; --size) {
    const int64_t count = std::min(group, count_[static_cast<size_t>(size)]);
    panel += count * size;
    group -= count;
  }
  return panel;
}

int ConvCut::panels(int64_t group) const {
  for (int size = kMaxTilePanels; size > 0; --size) {
    if (group < count_[static_cast<size_t>(size)]) return size;
    group -= count_[static_cast<size_t>(size)];
  }
  return half_panels_;
}

}  // namespace limber::kernels
