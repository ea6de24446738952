// SPDX-License-Identifier: Apache-2.0
#include "formats/picture.h"

#include <cstdio>
// jpeglib.h needs stdio first.
#include <jpeglib.h>
#include <png.h>

#include <algorithm>
#include <cmath>
#include <csetjmp>
#include <cstring>

#include "base/error.h"
#include "base/mapped_file.h"

namespace limber {
namespace {

constexpr int64_t kSide = 16384;

void check_side(int64_t height, int64_t width, const std::string& where) {
  if (height < 1 || width < 1 || height > kSide || width > kSide) {
    fail(ErrorCode::kBadFile, "{}: a picture of {}x{} pixels; legal: 1 to {} a side", where, width, height, kSide);
  }
}

struct JpegErrors {
  jpeg_error_mgr manager;
  std::jmp_buf back;
  char message[JMSG_LENGTH_MAX];
};

void jpeg_failed(j_common_ptr info) {
  auto* errors = reinterpret_cast<JpegErrors*>(info->err);
  info->err->format_message(info, errors->message);
  std::longjmp(errors->back, 1);
}

// A warning means that the library made up pixels: "premature end of JPEG file".
void jpeg_warned(j_common_ptr info, int level) {
  if (level < 0) jpeg_failed(info);
}

// Only plain data lives across longjmp; `pixels` belongs to the caller.
bool decode_jpeg(std::span<const std::byte> bytes, jpeg_decompress_struct* info, JpegErrors* errors, Picture* picture) {
  if (setjmp(errors->back) != 0) return false;
  jpeg_create_decompress(info);
  jpeg_mem_src(info, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
  jpeg_read_header(info, TRUE);
  info->out_color_space = info->num_components == 1 ? JCS_GRAYSCALE : JCS_RGB;
  picture->height = info->image_height;
  picture->width = info->image_width;
  picture->channels = info->num_components == 1 ? 1 : 3;
  if (picture->height > kSide || picture->width > kSide) return true;
  jpeg_start_decompress(info);
  picture->pixels.resize(static_cast<std::size_t>(picture->height * picture->width * picture->channels));
  while (info->output_scanline < info->output_height) {
    JSAMPROW row = picture->pixels.data() + int64_t{info->output_scanline} * picture->width * picture->channels;
    jpeg_read_scanlines(info, &row, 1);
  }
  jpeg_finish_decompress(info);
  return true;
}

Picture decode_jpeg(std::span<const std::byte> bytes, const std::string& where) {
  Picture picture;
  jpeg_decompress_struct info{};
  JpegErrors errors{};
  info.err = jpeg_std_error(&errors.manager);
  errors.manager.error_exit = jpeg_failed;
  errors.manager.emit_message = jpeg_warned;
  const bool good = decode_jpeg(bytes, &info, &errors, &picture);
  jpeg_destroy_decompress(&info);
  if (!good) fail(ErrorCode::kBadFile, "{}: a broken JPEG: {}", where, errors.message);
  check_side(picture.height, picture.width, where);
  return picture;
}

Picture decode_png(std::span<const std::byte> bytes, const std::string& where) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  if (png_image_begin_read_from_memory(&image, bytes.data(), bytes.size()) == 0) {
    fail(ErrorCode::kBadFile, "{}: a broken PNG: {}", where, image.message);
  }
  Picture picture{int64_t{image.height}, int64_t{image.width}, (image.format & PNG_FORMAT_FLAG_COLOR) != 0 ? 3 : 1, {}};
  if (picture.height > kSide || picture.width > kSide) {
    png_image_free(&image);
    check_side(picture.height, picture.width, where);
  }
  image.format = picture.channels == 3 ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY;
  picture.pixels.resize(PNG_IMAGE_SIZE(image));
  const png_color black{0, 0, 0};  // what transparent pixels show
  if (png_image_finish_read(&image, &black, picture.pixels.data(), 0, nullptr) == 0) {
    fail(ErrorCode::kBadFile, "{}: a broken PNG: {}", where, image.message);
  }
  return picture;
}

// For each output position the input positions it averages and their weights.
struct Taps {
  std::vector<int64_t> first, count;
  std::vector<float> weights;  // `widest` for each output
  int64_t widest = 0;
};

Taps make_taps(int64_t in, int64_t out) {
  const double scale = static_cast<double>(in) / static_cast<double>(out);
  const double radius = std::max(scale, 1.0) / 2;  // a box over the area when shrinking
  Taps taps;
  taps.widest = static_cast<int64_t>(std::ceil(2 * radius)) + 2;
  taps.weights.resize(static_cast<std::size_t>(out * taps.widest));
  for (int64_t i = 0; i < out; ++i) {
    const double centre = (static_cast<double>(i) + 0.5) * scale;
    float* weights = taps.weights.data() + i * taps.widest;
    int64_t first = 0, count = 0;
    if (scale >= 1) {
      first = static_cast<int64_t>(std::floor(centre - radius + 1e-9));
      const int64_t last = std::min(in - 1, static_cast<int64_t>(std::ceil(centre + radius - 1e-9)) - 1);
      count = last - first + 1;
      for (int64_t j = 0; j < count; ++j) {
        const double low = std::max(centre - radius, static_cast<double>(first + j));
        const double high = std::min(centre + radius, static_cast<double>(first + j + 1));
        weights[j] = static_cast<float>((high - low) / scale);
      }
    } else {
      const double position = std::clamp(centre - 0.5, 0.0, static_cast<double>(in - 1));
      first = std::min(static_cast<int64_t>(position), std::max<int64_t>(in - 2, 0));
      count = std::min<int64_t>(2, in);
      const auto fraction = static_cast<float>(position - static_cast<double>(first));
      weights[0] = 1 - fraction;
      weights[1] = fraction;
    }
    taps.first.push_back(first);
    taps.count.push_back(count);
  }
  return taps;
}

Picture resize(const Picture& picture, int64_t height, int64_t width) {
  const Taps columns = make_taps(picture.width, width), rows = make_taps(picture.height, height);
  const int64_t c = picture.channels;
  std::vector<float> narrow(static_cast<std::size_t>(picture.height * width * c));
  for (int64_t y = 0; y < picture.height; ++y) {
    for (int64_t x = 0; x < width; ++x) {
      for (int64_t k = 0; k < c; ++k) {
        float sum = 0;
        for (int64_t j = 0; j < columns.count[x]; ++j) {
          sum += columns.weights[x * columns.widest + j] *
                 static_cast<float>(picture.pixels[(y * picture.width + columns.first[x] + j) * c + k]);
        }
        narrow[(y * width + x) * c + k] = sum;
      }
    }
  }
  Picture result{height, width, c, std::vector<uint8_t>(static_cast<std::size_t>(height * width * c))};
  for (int64_t y = 0; y < height; ++y) {
    for (int64_t i = 0; i < width * c; ++i) {
      float sum = 0;
      for (int64_t j = 0; j < rows.count[y]; ++j) {
        sum += rows.weights[y * rows.widest + j] * narrow[(rows.first[y] + j) * width * c + i];
      }
      result.pixels[y * width * c + i] = static_cast<uint8_t>(std::clamp(sum + 0.5f, 0.0f, 255.0f));
    }
  }
  return result;
}

void convert_channels(Picture* picture, int64_t channels) {
  if (picture->channels == channels) return;
  const int64_t n = picture->height * picture->width;
  std::vector<uint8_t> out(static_cast<std::size_t>(n * channels));
  for (int64_t i = 0; i < n; ++i) {
    const uint8_t* in = picture->pixels.data() + i * picture->channels;
    if (channels == 1) {
      out[i] = static_cast<uint8_t>((299 * in[0] + 587 * in[1] + 114 * in[2] + 500) / 1000);
    } else {
      std::fill_n(out.begin() + i * channels, channels, in[0]);
    }
  }
  picture->channels = channels;
  picture->pixels = std::move(out);
}

}  // namespace

Picture decode_picture(std::span<const std::byte> bytes, const std::string& where) {
  const auto starts = [&](std::string_view magic) {
    return bytes.size() >= magic.size() && std::memcmp(bytes.data(), magic.data(), magic.size()) == 0;
  };
  if (starts("\xff\xd8")) return decode_jpeg(bytes, where);
  if (starts("\x89PNG")) return decode_png(bytes, where);
  fail(ErrorCode::kBadFile, "{}: {} bytes that are neither JPEG nor PNG", where, bytes.size());
}

Picture read_picture(const std::string& path) {
  const MappedFile file(path);
  return decode_picture(file.bytes(), path);
}

bool is_picture_name(const std::string& path) {
  const std::size_t dot = path.rfind('.');
  if (dot == std::string::npos) return false;
  std::string extension = path.substr(dot + 1);
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  return extension == "jpg" || extension == "jpeg" || extension == "png";
}

Picture fit_picture(Picture picture, int64_t height, int64_t width, int64_t channels) {
  convert_channels(&picture, channels);
  if (picture.height == height && picture.width == width) return picture;
  return resize(picture, height, width);
}

}  // namespace limber
