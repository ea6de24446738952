// SPDX-License-Identifier: Apache-2.0
// Where the frames of `limber run` come from: a data set's images or a stream. Layer: tool.
#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "formats/data_set.h"

namespace limber::tool {

// The images of one frame, borrowed until the next call of the source.
struct Burst {
  int64_t images = 0;
  std::span<const uint8_t> pixels;     // [images][height][width][channels]
  std::span<const int32_t> labels;     // empty: not known
  std::span<const std::string> names;  // of pictures; empty for data sets
  int64_t height = 0, width = 0;       // of the images, which the session resizes
};

struct ImageShape {
  int64_t height = 0, width = 0, channels = 0;
  int64_t bytes() const { return height * width * channels; }
};

// One thread at a time.
class BurstSource {
 public:
  virtual ~BurstSource() = default;
  virtual const std::string& name() const = 0;
  virtual bool labelled() const = 0;
  virtual bool live() const = 0;       // read while the clock runs, once; else prepared before, as often as wished
  virtual int64_t images() const = 0;  // there are; -1: not known
  // Begins a play: the same seed gives the same bursts of (up to) `burst` images. Fails on the second play of a live
  // source, saying what else to do.
  virtual void rewind(uint64_t seed, int64_t burst) = 0;
  virtual bool next(Burst* burst) = 0;  // false: the end. Costs nothing, but a live source blocks
};

// Endless: all images once in a seeded order, then again. Fails when the images have other channels or more classes
// than `outputs`, naming both.
std::unique_ptr<BurstSource> make_data_source(Images images, int64_t channels, int64_t outputs);

// `input` as in open_stream(); pictures are fitted to `shape`; height and width 0: to the
// first one's size. Standard input, cameras and pipes are live; other inputs
// are read whole before the first play, up to `most` images (0: all).
std::unique_ptr<BurstSource> make_stream_source(const std::string& input, const ImageShape& shape, int64_t most);

bool is_live_input(const std::string& input);

}  // namespace limber::tool
