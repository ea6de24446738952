// SPDX-License-Identifier: Apache-2.0
// Expected values were made by Pillow 9.4: Image.resize((width, height), BILINEAR) of the same pixels.
#include "kernels/resize.h"

#include <gtest/gtest.h>

#include "base/counted_allocations.h"
#include "kernels/test_images.h"

namespace limber::kernels {
namespace {

std::vector<uint8_t> resized(Resizer& resizer, int64_t height, int64_t width, int64_t channels, int64_t to_height,
                             int64_t to_width) {
  resizer.prepare({height, to_height, 0, to_height}, {width, to_width, 0, to_width}, channels);
  std::vector<uint8_t> out(static_cast<std::size_t>(to_height * to_width * channels));
  resizer.run(test_image(height, width, channels).data(), out.data());
  return out;
}

TEST(Resize, SmallImagesAreByteForBytePillows) {
  Resizer resizer;
  EXPECT_EQ(resized(resizer, 4, 5, 1, 2, 3), (std::vector<uint8_t>{153, 143, 112, 144, 126, 120}));
  EXPECT_EQ(resized(resizer, 3, 2, 3, 1, 1), (std::vector<uint8_t>{137, 156, 120}));
  EXPECT_EQ(resized(resizer, 2, 2, 1, 3, 5),
            (std::vector<uint8_t>{211, 207, 189, 171, 167, 213, 201, 152, 102, 90, 214, 194, 114, 33, 13}));
}

TEST(Resize, EveryByteOfLargerImagesIsPillows) {
  const struct {
    int64_t height, width, channels, to_height, to_width;
    uint64_t digest;
  } cases[] = {
      {37, 53, 3, 16, 16, 0xf3adea42d9ca0680u},     {32, 32, 3, 24, 24, 0x9d1db04313341667u},
      {16, 16, 3, 31, 45, 0x24bb82112a8b5adau},     {300, 7, 1, 5, 5, 0x5c7f7ecce962be08u},
      {1, 40, 3, 9, 3, 0x46ece0a32138f81au},        {224, 224, 3, 176, 176, 0xb1fff22c3689b5a2u},
      {480, 640, 3, 224, 224, 0x42e5f1a495edaae1u}, {20, 20, 1, 20, 9, 0x3927e6f88ac81b15u},
  };
  Resizer resizer;  // one for all: nothing is left of the sizes before
  for (const auto& c : cases) {
    EXPECT_EQ(test_digest(resized(resizer, c.height, c.width, c.channels, c.to_height, c.to_width)), c.digest)
        << c.height << "x" << c.width << "x" << c.channels << " to " << c.to_height << "x" << c.to_width;
  }
}

TEST(Resize, OneSizeIsTheImageItself) {
  Resizer resizer;
  EXPECT_EQ(resized(resizer, 9, 11, 3, 9, 11), test_image(9, 11, 3));
  EXPECT_EQ(resized(resizer, 5, 3, 4, 5, 3), test_image(5, 3, 4));
}

TEST(Resize, APartIsCutFromTheWhole) {
  Resizer resizer;
  const std::vector<uint8_t> whole = resized(resizer, 37, 53, 3, 20, 30);
  resizer.prepare({37, 20, 6, 9}, {53, 30, 11, 4}, 3);
  std::vector<uint8_t> part(9 * 4 * 3);
  resizer.run(test_image(37, 53, 3).data(), part.data());
  for (std::size_t y = 0; y < 9; ++y) {
    for (std::size_t i = 0; i < 12; ++i) EXPECT_EQ(part[y * 12 + i], whole[((y + 6) * 30 + 11) * 3 + i]);
  }
}

TEST(Resize, OnlyMoreMemoryThanEverIsAllocated) {
  Resizer resizer;
  const std::vector<uint8_t> image = test_image(64, 64, 3);
  std::vector<uint8_t> out(32 * 32 * 3);
  resizer.prepare({64, 32, 0, 32}, {64, 32, 0, 32}, 3);
  const int64_t before = counted_allocations();
  resizer.run(image.data(), out.data());
  resizer.prepare({48, 32, 0, 32}, {40, 32, 0, 32}, 3);
  resizer.run(image.data(), out.data());
  EXPECT_EQ(counted_allocations(), before);
}

}  // namespace
}  // namespace limber::kernels
