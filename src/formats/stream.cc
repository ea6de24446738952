// SPDX-License-Identifier: Apache-2.0
#include "formats/stream.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "base/error.h"
#include "formats/data_set.h"

namespace limber {
namespace {

namespace fs = std::filesystem;

class Files : public Stream {
 public:
  explicit Files(std::vector<std::string> paths) : paths_(std::move(paths)) {}
  bool next(Frame* frame) override {
    if (at_ == paths_.size()) return false;
    frame->picture = read_picture(paths_[at_]);
    frame->name = paths_[at_++];
    return true;
  }

 private:
  std::vector<std::string> paths_;
  std::size_t at_ = 0;
};

class Labelled : public Stream {
 public:
  explicit Labelled(Images images) : images_(std::move(images)) {}
  bool next(Frame* frame) override {
    if (at_ == images_.count) return false;
    const int64_t size = images_.height * images_.width * images_.channels;
    const auto from = images_.pixels.begin() + at_ * size;
    frame->picture = {images_.height, images_.width, images_.channels, {from, from + size}};
    frame->label = images_.labels[static_cast<std::size_t>(at_)];
    frame->name = fmt::format("{} {}", images_.name, at_++);
    return true;
  }

 private:
  Images images_;
  int64_t at_ = 0;
};

class Fitted : public Stream {
 public:
  Fitted(std::unique_ptr<Stream> source, int64_t height, int64_t width, int64_t channels)
      : source_(std::move(source)), height_(height), width_(width), channels_(channels) {}
  bool next(Frame* frame) override {
    frame->label = -1;
    if (!source_->next(frame)) return false;
    if (height_ == 0) {
      height_ = frame->picture.height;
      width_ = frame->picture.width;
    }
    frame->picture = fit_picture(std::move(frame->picture), height_, width_, channels_);
    return true;
  }

 private:
  std::unique_ptr<Stream> source_;
  int64_t height_, width_, channels_;
};

std::unique_ptr<Stream> open_path(const std::string& input) {
  if (fs::is_directory(input)) {
    std::vector<std::string> paths;
    for (const auto& entry : fs::directory_iterator(input)) {
      if (entry.is_regular_file() && is_picture_name(entry.path().string())) paths.push_back(entry.path().string());
    }
    std::sort(paths.begin(), paths.end());
    if (!paths.empty()) return std::make_unique<Files>(std::move(paths));
  }
  if (fs::is_regular_file(input) && is_picture_name(input)) return std::make_unique<Files>(std::vector{input});
  return std::make_unique<Labelled>(read_data_set(input, "test"));
}

std::unique_ptr<Stream> open_source(const std::string& input) {
  if (input.starts_with("y4m:")) return open_y4m(input.substr(4));
  if (input.starts_with("raw:")) return open_raw(input.substr(4));
  if (input.starts_with("v4l2:")) return open_camera(input.substr(5));
  try {
    return open_path(input);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kNotFound) throw;
    fail(ErrorCode::kNotFound,
         "{}. An input is a picture, a folder, a data set, y4m:FILE, raw:WxH:rgb|grey:FILE or v4l2:DEVICE (FILE may be "
         "-)",
         error.what());
  }
}

}  // namespace

std::unique_ptr<Stream> open_stream(const std::string& input, int64_t height, int64_t width, int64_t channels) {
  const bool own = height == 0 && width == 0;
  if ((!own && (height < 1 || width < 1)) || (channels != 1 && channels != 3)) {
    fail(ErrorCode::kInvalidArgument, "frames of {}x{} with {} channels; legal: 1 or 3 channels", width, height,
         channels);
  }
  return std::make_unique<Fitted>(open_source(input), height, width, channels);
}

}  // namespace limber
