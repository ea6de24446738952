// SPDX-License-Identifier: Apache-2.0
// Uncompressed video from a file or standard input: YUV4MPEG2 and headerless frames.
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>

#include "base/error.h"
#include "formats/stream.h"

namespace limber {
namespace {

constexpr int64_t kSide = 16384;

class ByteSource {
 public:
  explicit ByteSource(const std::string& path)
      : name_(path == "-" ? "standard input" : path),
        file_(path == "-" ? stdin : std::fopen(path.c_str(), "rb"), close) {
    if (!file_) fail(ErrorCode::kNotFound, "{}: cannot be opened: {}", path, std::strerror(errno));
  }
  const std::string& name() const { return name_; }

  // False at the end before the first byte; fails if it ends in between.
  bool read(void* to, std::size_t size, int64_t frame) {
    const std::size_t got = std::fread(to, 1, size, file_.get());
    if (got == size) return true;
    if (std::ferror(file_.get()) != 0) fail(ErrorCode::kIo, "{}: {}", name_, std::strerror(errno));
    if (got == 0) return false;
    fail(ErrorCode::kBadFile, "{}: frame {} ends after {} of {} bytes", name_, frame, got, size);
  }

  bool line(std::string* text) {
    text->clear();
    for (int c; (c = std::fgetc(file_.get())) != '\n';) {
      if (c == EOF && text->empty()) return false;
      if (c == EOF || text->size() > 4096) fail(ErrorCode::kBadFile, "{}: a header line without end", name_);
      *text += static_cast<char>(c);
    }
    return true;
  }

 private:
  static int close(std::FILE* file) { return file == stdin ? 0 : std::fclose(file); }
  std::string name_;
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file_;
};

int64_t side(std::string_view text, const std::string& where) {
  int64_t value = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  if (result.ec != std::errc() || result.ptr != text.data() + text.size() || value < 1 || value > kSide) {
    fail(ErrorCode::kBadFile, "{}: found a size of '{}', legal: 1 to {}", where, text, kSide);
  }
  return value;
}

class Y4m : public Stream {
 public:
  explicit Y4m(const std::string& path) : source_(path) {
    std::string header;
    if (!source_.line(&header) || !header.starts_with("YUV4MPEG2")) {
      fail(ErrorCode::kBadFile, "{}: does not start with YUV4MPEG2", source_.name());
    }
    std::string layout = "420";
    for (std::size_t at = 9; at < header.size();) {
      const std::size_t end = std::min(header.find(' ', at), header.size());
      const std::string word = header.substr(at, end - at);
      at = end + 1;
      if (word.starts_with("W")) width_ = side(std::string_view(word).substr(1), source_.name());
      if (word.starts_with("H")) height_ = side(std::string_view(word).substr(1), source_.name());
      if (word.starts_with("C")) layout = word.substr(1);
      if (word == "XCOLORRANGE=FULL") full_ = true;
    }
    if (width_ == 0 || height_ == 0) fail(ErrorCode::kBadFile, "{}: its header names no size", source_.name());
    if (layout == "420" || layout == "420jpeg" || layout == "420mpeg2" || layout == "420paldv") {
      across_ = down_ = 2;
    } else if (layout == "422") {
      across_ = 2;
    } else if (layout == "mono") {
      across_ = 0;
    } else if (layout != "444") {
      fail(ErrorCode::kUnsupported, "{}: colour layout '{}'; legal: 420, 420jpeg, 420mpeg2, 420paldv, 422, 444, mono",
           source_.name(), layout);
    }
  }

  bool next(Frame* frame) override {
    std::string header;
    if (!source_.line(&header)) return false;
    if (!header.starts_with("FRAME"))
      fail(ErrorCode::kBadFile, "{}: frame {} does not start with FRAME", source_.name(), count_);
    const int64_t chroma_width = across_ == 0 ? 0 : (width_ + across_ - 1) / across_;
    const int64_t chroma = across_ == 0 ? 0 : chroma_width * ((height_ + down_ - 1) / down_);
    planes_.resize(static_cast<std::size_t>(height_ * width_ + 2 * chroma));
    if (!source_.read(planes_.data(), planes_.size(), count_)) {
      fail(ErrorCode::kBadFile, "{}: ends after the header of frame {}", source_.name(), count_);
    }
    frame->picture = {height_, width_, 3, {}};
    frame->picture.pixels.reserve(static_cast<std::size_t>(height_ * width_ * 3));
    const uint8_t* cb = planes_.data() + height_ * width_;
    for (int64_t y = 0; y < height_; ++y) {
      for (int64_t x = 0; x < width_; ++x) {
        const int64_t at = across_ == 0 ? 0 : y / down_ * chroma_width + x / across_;
        append_rgb(&frame->picture.pixels, planes_[static_cast<std::size_t>(y * width_ + x)], chroma ? cb[at] : 128,
                   chroma ? cb[chroma + at] : 128, full_);
      }
    }
    frame->name = fmt::format("frame {}", count_++);
    return true;
  }

 private:
  ByteSource source_;
  int64_t height_ = 0, width_ = 0, across_ = 1, down_ = 1, count_ = 0;  // across_ 0: no colour
  bool full_ = false;
  std::vector<uint8_t> planes_;
};

class Raw : public Stream {
 public:
  Raw(const std::string& path, int64_t height, int64_t width, int64_t channels)
      : source_(path), height_(height), width_(width), channels_(channels) {}

  bool next(Frame* frame) override {
    frame->picture = {height_, width_, channels_,
                      std::vector<uint8_t>(static_cast<std::size_t>(height_ * width_ * channels_))};
    if (!source_.read(frame->picture.pixels.data(), frame->picture.pixels.size(), count_)) return false;
    frame->name = fmt::format("frame {}", count_++);
    return true;
  }

 private:
  ByteSource source_;
  int64_t height_, width_, channels_, count_ = 0;
};

}  // namespace

void append_rgb(std::vector<uint8_t>* out, int y, int cb, int cr, bool full) {
  const float luma = full ? static_cast<float>(y) : static_cast<float>(y - 16) * (255.0f / 219);
  const float scale = full ? 1 : 255.0f / 224;
  const float b = static_cast<float>(cb - 128) * scale, r = static_cast<float>(cr - 128) * scale;
  for (const float value : {luma + 1.402f * r, luma - 0.344136f * b - 0.714136f * r, luma + 1.772f * b}) {
    out->push_back(static_cast<uint8_t>(std::clamp(value + 0.5f, 0.0f, 255.0f)));
  }
}

std::unique_ptr<Stream> open_y4m(const std::string& path) {
  return std::make_unique<Y4m>(path);
}

std::unique_ptr<Stream> open_raw(const std::string& text) {
  const std::size_t first = text.find(':'), second = text.find(':', first == std::string::npos ? first : first + 1);
  const std::size_t cross = text.find('x');
  const std::string format = second == std::string::npos ? "" : text.substr(first + 1, second - first - 1);
  if (second == std::string::npos || cross > first || (format != "rgb" && format != "grey" && format != "gray")) {
    fail(ErrorCode::kInvalidArgument, "raw:{}: expected raw:WIDTHxHEIGHT:rgb|grey:FILE, e.g. raw:640x480:rgb:-", text);
  }
  const int64_t width = side(text.substr(0, cross), "raw:" + text);
  const int64_t height = side(text.substr(cross + 1, first - cross - 1), "raw:" + text);
  return std::make_unique<Raw>(text.substr(second + 1), height, width, format == "rgb" ? 3 : 1);
}

}  // namespace limber
