// SPDX-License-Identifier: Apache-2.0
#include "tool/run/source.h"

#include <algorithm>
#include <filesystem>
#include <numeric>
#include <random>

#include "base/error.h"
#include "formats/stream.h"
#include "tool/run/interrupt.h"

namespace limber::tool {

namespace {

constexpr int64_t kMostBytes = int64_t{1} << 30;  // of a stream that is read before the clock starts

class DataSource : public BurstSource {
 public:
  explicit DataSource(Images images)
      : images_(std::move(images)), bytes_(images_.height * images_.width * images_.channels) {
    if (images_.count < 1) fail(ErrorCode::kInvalidArgument, "{}: holds no image", images_.name);
  }
  const std::string& name() const override { return images_.name; }
  bool labelled() const override { return true; }
  bool live() const override { return false; }
  int64_t images() const override { return -1; }

  void rewind(uint64_t seed, int64_t burst) override {
    burst_ = burst;
    at_ = 0;
    std::vector<int64_t> order(static_cast<std::size_t>(images_.count));
    std::iota(order.begin(), order.end(), 0);
    std::mt19937_64 random(seed);
    for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random() % i]);
    // The first images follow the last again, so that every burst is one piece.
    pixels_.clear();
    labels_.clear();
    for (int64_t i = 0; i < images_.count + burst; ++i) {
      const int64_t image = order[static_cast<std::size_t>(i % images_.count)];
      const auto from = images_.pixels.begin() + image * bytes_;
      pixels_.insert(pixels_.end(), from, from + bytes_);
      labels_.push_back(images_.labels[static_cast<std::size_t>(image)]);
    }
  }

  bool next(Burst* burst) override {
    burst->images = burst_;
    burst->pixels =
        std::span(pixels_).subspan(static_cast<std::size_t>(at_ * bytes_), static_cast<std::size_t>(burst_ * bytes_));
    burst->labels = std::span(labels_).subspan(static_cast<std::size_t>(at_), static_cast<std::size_t>(burst_));
    burst->height = images_.height;
    burst->width = images_.width;
    at_ = (at_ + burst_) % images_.count;
    return true;
  }

 private:
  Images images_;
  int64_t bytes_, burst_ = 1, at_ = 0;
  std::vector<uint8_t> pixels_;  // in the order of this play
  std::vector<int32_t> labels_;
};

// What was read of a stream so far.
struct Pictures {
  std::vector<uint8_t> pixels;
  std::vector<int32_t> labels;
  std::vector<std::string> names;
  bool labelled = true;
  int64_t height = 0, width = 0;

  int64_t count() const { return static_cast<int64_t>(names.size()); }
  void clear() {
    pixels.clear();
    labels.clear();
    names.clear();
  }
  void add(Frame frame) {
    height = frame.picture.height;
    width = frame.picture.width;
    pixels.insert(pixels.end(), frame.picture.pixels.begin(), frame.picture.pixels.end());
    labels.push_back(frame.label);
    names.push_back(std::move(frame.name));
    labelled = labelled && frame.label >= 0;
  }
  Burst slice(int64_t first, int64_t images) const {
    const int64_t bytes = static_cast<int64_t>(pixels.size()) / count();
    Burst burst{
        images,
        std::span(pixels).subspan(static_cast<std::size_t>(first * bytes), static_cast<std::size_t>(images * bytes)),
        {},
        std::span(names).subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(images)),
        height,
        width};
    if (labelled)
      burst.labels = std::span(labels).subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(images));
    return burst;
  }
};

class PreparedStream : public BurstSource {
 public:
  PreparedStream(const std::string& input, const ImageShape& shape, int64_t most) : name_(input) {
    const auto stream = open_stream(input, shape.height, shape.width, shape.channels);
    Frame frame;
    while ((most == 0 || pictures_.count() < most) && stream->next(&frame)) {
      if (static_cast<int64_t>(pictures_.pixels.size()) > kMostBytes)
        fail(ErrorCode::kInvalidArgument, "{}: more than {} MiB of images at {}x{}; give --frames, or pipe it in",
             input, kMostBytes >> 20, pictures_.width, pictures_.height);
      pictures_.add(std::move(frame));
    }
    if (pictures_.count() == 0) fail(ErrorCode::kBadFile, "{}: holds no image", input);
  }
  const std::string& name() const override { return name_; }
  bool labelled() const override { return pictures_.labelled; }
  bool live() const override { return false; }
  int64_t images() const override { return pictures_.count(); }
  void rewind(uint64_t, int64_t burst) override {
    burst_ = burst;
    at_ = 0;
  }
  bool next(Burst* burst) override {
    const int64_t images = std::min(burst_, pictures_.count() - at_);
    if (images <= 0) return false;
    *burst = pictures_.slice(at_, images);
    at_ += images;
    return true;
  }

 private:
  std::string name_;
  Pictures pictures_;
  int64_t burst_ = 1, at_ = 0;
};

class LiveStream : public BurstSource {
 public:
  LiveStream(const std::string& input, const ImageShape& shape)
      : name_(input), stream_(open_stream(input, shape.height, shape.width, shape.channels)) {}
  const std::string& name() const override { return name_; }
  bool labelled() const override { return false; }
  bool live() const override { return true; }
  int64_t images() const override { return -1; }
  void rewind(uint64_t, int64_t burst) override {
    if (started_)
      fail(ErrorCode::kInvalidArgument, "{}: a live stream plays once; give one policy and one round", name_);
    started_ = true;
    burst_ = burst;
  }
  bool next(Burst* burst) override {
    pictures_.clear();
    Frame frame;
    while (pictures_.count() < burst_ && read(&frame)) pictures_.add(std::move(frame));
    if (pictures_.count() == 0) {
      if (!played_ && interrupted() == 0) fail(ErrorCode::kBadFile, "{}: ended before its first image", name_);
      return false;
    }
    played_ = true;
    *burst = pictures_.slice(0, pictures_.count());
    burst->labels = {};
    return true;
  }

 private:
  bool read(Frame* frame) {
    try {
      return interrupted() == 0 && stream_->next(frame);
    } catch (const Error&) {
      if (interrupted() != 0) return false;  // the read was broken off: the user's wish, not an error
      throw;
    }
  }

  std::string name_;
  int64_t burst_ = 1;
  std::unique_ptr<Stream> stream_;
  Pictures pictures_;
  bool started_ = false, played_ = false;
};

}  // namespace

std::unique_ptr<BurstSource> make_data_source(Images images, int64_t channels, int64_t outputs) {
  if (images.channels != channels)
    fail(ErrorCode::kInvalidArgument, "{}: images of {} channels, but the model reads {}; --input fits pictures to it",
         images.name, images.channels, channels);
  if (static_cast<int64_t>(images.classes.size()) > outputs)
    fail(ErrorCode::kInvalidArgument, "{}: {} classes, but the model answers with {}", images.name,
         images.classes.size(), outputs);
  return std::make_unique<DataSource>(std::move(images));
}

bool is_live_input(const std::string& input) {
  if (input.starts_with("v4l2:")) return true;
  std::size_t colons = input.starts_with("y4m:") ? 1 : input.starts_with("raw:") ? 3 : 0;  // before the path
  if (colons == 0) return false;
  std::size_t from = 0;
  for (; colons > 0 && from != std::string::npos; --colons) from = input.find(':', from) + 1;
  const std::string path = input.substr(from);
  std::error_code error;
  return path == "-" || (std::filesystem::exists(path, error) && !std::filesystem::is_regular_file(path, error));
}

std::unique_ptr<BurstSource> make_stream_source(const std::string& input, const ImageShape& shape, int64_t most) {
  if (is_live_input(input)) return std::make_unique<LiveStream>(input, shape);
  return std::make_unique<PreparedStream>(input, shape, most);
}

}  // namespace limber::tool
