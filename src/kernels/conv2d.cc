// SPDX-License-Identifier: Apache-2.0
// The convolution's driver: runs the tiles of an output as ConvCut cuts it, and says which weights are to be fetched
// meanwhile. Nothing here can change a number, see kernels.h.
#include "kernels/conv2d_cut.h"

namespace limber::kernels {
namespace {

class Driver {
 public:
  Driver(const ConvTiles& tiles, const Conv2dArgs& args) : args_(args), cut_(tiles, args) {
    for (const ConvRange& range : args.ranges) blocks_ += (range.channels + kLanes - 1) / kLanes;
    blocks_ *= args.kernel_height * args.kernel_width;
  }

  int64_t items() const { return cut_.bands() * cut_.groups(); }

  void run(int64_t begin, int64_t end) const {
    Fetcher fetcher = upcoming(begin, end);
    for (int64_t item = begin; item < end; ++item) {
      // A single tile reads its weights as fast as they come; fetching others meanwhile only delays them.
      if (cut_.streams_weights() && cut_.tiles(item) > 1)
        fetcher.own(item + 1 < end ? weights(item + 1) : Lines(), calls(item));
      run(item, fetcher);
    }
  }

 private:
  // Of Fetcher::some() by an item's tiles.
  int64_t calls(int64_t item) const { return cut_.tiles(item) * blocks_; }

  // For items [begin, end): their part of what later calls read, spread evenly.
  Fetcher upcoming(int64_t begin, int64_t end) const {
    const Upcoming& what = args_.upcoming;
    if (what.data == nullptr) return {};
    int64_t calls = 0;
    for (int64_t item = begin; item < end; ++item) calls += this->calls(item);
    const int64_t lines = Lines::lines_of(what);
    return {Lines(what, lines * begin / items(), lines * end / items()), calls};
  }

  // What an item reads; nothing where that lies in several places.
  Lines weights(int64_t item) const {
    const int64_t group = item % cut_.groups(), taps = int64_t{args_.kernel_height} * args_.kernel_width;
    if (args_.ranges.size() != 1 || args_.panel_stride != taps * args_.tap_stride) return {};
    const ConvRange& range = args_.ranges.front();
    const int64_t bytes = args_.weights.value_bytes();
    const Upcoming what = {
        args_.weights.at(cut_.first_panel(group) * args_.panel_stride + range.weight_offset * kLanes),
        cut_.panels(group) * taps, range.channels * kLanes * bytes, args_.tap_stride * bytes};
    return {what, 0, Lines::lines_of(what)};
  }

  void run(int64_t item, Fetcher& fetcher) const {
    const int64_t group = item % cut_.groups(), panel = cut_.first_panel(group);
    const ConvTileFunction* const functions = cut_.functions(group);
    const auto [begin, end] = cut_.lines(item / cut_.groups());
    for (int64_t line = begin; line < end; ++line) {
      const auto [y, first, length] = cut_.line(line);
      const ConvCut::Split split = cut_.split(length, cut_.panels(group));
      int64_t x = first;
      for (int64_t tile = 0; tile < split.tiles; ++tile) {
        const int rows = split.rows + (tile < split.larger);
        functions[rows](args_, panel, y, x, fetcher);
        x += rows;
      }
    }
  }

  const Conv2dArgs& args_;
  const ConvCut cut_;
  int64_t blocks_ = 0;  // taps times blocks of 16 input channels
};

}  // namespace

int64_t conv2d_items(const ConvTiles& tiles, const Conv2dArgs& args) {
  return Driver(tiles, args).items();
}

void conv2d_run(const ConvTiles& tiles, const Conv2dArgs& args, int64_t begin, int64_t end) {
  Driver(tiles, args).run(begin, end);
}

}  // namespace limber::kernels
