// SPDX-License-Identifier: Apache-2.0
// Brings byte images of any size to the size that a member reads. Layer: network; used by Executor only.
#pragma once
#include <cstdint>
#include <vector>

#include "kernels/resize.h"

namespace limber {

// Owns the coefficients and one resized image for each size that some member reads. One thread at a time.
class ImageFitter {
 public:
  // The largest height or width of an image.
  static constexpr int64_t kMostPixels = 16384;

  struct Size {
    int64_t height = 0, width = 0;
    bool operator==(const Size&) const = default;
  };

  // crop: Preprocessing::crop.
  ImageFitter(double crop, int64_t channels, const std::vector<Size>& read);

  // Makes ready for images of this size, for all members; allocates where needed.
  void expect(const Size& images);
  // The image as a member that reads `to` wants it: itself if it fits as it is, else memory that lives until the next
  // call. Allocates only if the images' size was not expected and needs more memory than those before.
  const uint8_t* fit(const uint8_t* image, const Size& from, const Size& to);

  int64_t bytes() const;

 private:
  struct Target {
    Size size;
    kernels::Resizer resizer;
    std::vector<uint8_t> resized;
  };
  bool fits(const Size& from, const Size& to) const { return crop_ == 0 && from == to; }
  void prepare(Target* target, const Size& from) const;

  double crop_;
  int64_t channels_;
  std::vector<Target> targets_;
};

}  // namespace limber
