// SPDX-License-Identifier: Apache-2.0
// One picture: JPEG and PNG decoding, resizing. Layer: formats.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace limber {

struct Picture {
  int64_t height = 0, width = 0, channels = 0;  // channels 1 (grey) or 3 (RGB)
  std::vector<uint8_t> pixels;                  // [height][width][channels]
};

// JPEG or PNG, told by its first bytes. Fails with kBadFile naming `where` and the library's reason, also for a
// truncated picture and for more than 16384 pixels a side.
Picture decode_picture(std::span<const std::byte> bytes, const std::string& where);
Picture read_picture(const std::string& path);
bool is_picture_name(const std::string& path);  // .jpg .jpeg .png, any case

// Area average when shrinking, bilinear when growing; the whole picture is kept, its aspect is not. Grey <-> RGB as
// needed (luma of BT.601). Nothing happens if it already fits.
Picture fit_picture(Picture picture, int64_t height, int64_t width, int64_t channels);

}  // namespace limber
