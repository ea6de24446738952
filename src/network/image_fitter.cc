// SPDX-License-Identifier: Apache-2.0
#include "network/image_fitter.h"

#include <algorithm>
#include <cmath>

namespace limber {
namespace {

// Half to even, as Python's round(), which the protocol's definition uses.
int64_t half_rounded(int64_t value) {
  const int64_t half = value / 2;
  return value % 2 != 0 && half % 2 != 0 ? half + 1 : half;
}

kernels::ResizeAxis axis(int64_t from, int64_t shorter, int64_t resized, int64_t read) {
  const int64_t to = resized * from / shorter;
  return {from, to, half_rounded(to - read), read};
}

}  // namespace

ImageFitter::ImageFitter(double crop, int64_t channels, const std::vector<Size>& read)
    : crop_(crop), channels_(channels) {
  for (const Size& size : read) {
    if (std::none_of(targets_.begin(), targets_.end(), [&](const Target& known) { return known.size == size; }))
      targets_.push_back({size, {}, {}});
  }
}

void ImageFitter::prepare(Target* target, const Size& from) const {
  const Size& to = target->size;
  if (crop_ == 0) {
    target->resizer.prepare({from.height, to.height, 0, to.height}, {from.width, to.width, 0, to.width}, channels_);
  } else {
    const auto resized = static_cast<int64_t>(std::ceil(static_cast<double>(to.height) / crop_));
    const int64_t shorter = std::min(from.height, from.width);
    target->resizer.prepare(axis(from.height, shorter, resized, to.height),
                            axis(from.width, shorter, resized, to.width), channels_);
  }
  target->resized.resize(static_cast<std::size_t>(to.height * to.width * channels_));
}

void ImageFitter::expect(const Size& images) {
  for (Target& target : targets_) {
    if (!fits(images, target.size)) prepare(&target, images);
  }
}

const uint8_t* ImageFitter::fit(const uint8_t* image, const Size& from, const Size& to) {
  if (fits(from, to)) return image;
  Target& target =
      *std::find_if(targets_.begin(), targets_.end(), [&](const Target& known) { return known.size == to; });
  prepare(&target, from);
  target.resizer.run(image, target.resized.data());
  return target.resized.data();
}

int64_t ImageFitter::bytes() const {
  int64_t sum = 0;
  for (const Target& target : targets_) sum += target.resizer.bytes() + static_cast<int64_t>(target.resized.size());
  return sum;
}

}  // namespace limber
