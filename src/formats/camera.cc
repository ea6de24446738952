// SPDX-License-Identifier: Apache-2.0
// Cameras by Video4Linux2, with memory-mapped buffers.
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/videodev2.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/error.h"
#include "formats/stream.h"

namespace limber {
namespace {

constexpr int kTimeoutMs = 5000;

class Camera : public Stream {
 public:
  explicit Camera(const std::string& device)
      : device_(device), file_(open(device.c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK)) {
    if (file_ < 0) fail(ErrorCode::kNotFound, "v4l2:{}: {}; cameras are /dev/video*", device, std::strerror(errno));
    try {
      start();
    } catch (...) {
      release();
      throw;
    }
  }
  ~Camera() override { release(); }
  Camera(const Camera&) = delete;
  Camera& operator=(const Camera&) = delete;

  bool next(Frame* frame) override {
    v4l2_buffer buffer = plain_buffer(0);
    for (;;) {
      pollfd wait{file_, POLLIN, 0};
      const int ready = poll(&wait, 1, kTimeoutMs);
      if (ready < 0 && errno == EINTR) continue;
      if (ready == 0) fail(ErrorCode::kIo, "v4l2:{}: no frame within {} ms", device_, kTimeoutMs);
      if (ready > 0 && control(VIDIOC_DQBUF, &buffer) == 0) break;
      if (errno != EAGAIN) fail(ErrorCode::kIo, "v4l2:{}: {}", device_, std::strerror(errno));
    }
    const auto* bytes = static_cast<const uint8_t*>(buffers_.at(buffer.index).first);
    std::string problem;
    try {
      convert(bytes, buffer.bytesused, &frame->picture);
    } catch (const Error& error) {
      problem = error.what();
    }
    if (control(VIDIOC_QBUF, &buffer) != 0) fail(ErrorCode::kIo, "v4l2:{}: {}", device_, std::strerror(errno));
    if (!problem.empty()) fail(ErrorCode::kBadFile, "{}", problem);
    frame->name = fmt::format("frame {}", count_++);
    return true;
  }

 private:
  int control(unsigned long request, void* argument) {
    int result;
    do result = ioctl(file_, request, argument);
    while (result < 0 && errno == EINTR);
    return result;
  }
  [[noreturn]] void refuse(const char* what) {
    fail(ErrorCode::kUnsupported, "v4l2:{}: {}: {}", device_, what, std::strerror(errno));
  }
  static v4l2_buffer plain_buffer(uint32_t index) {
    v4l2_buffer buffer{};
    buffer.type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
    buffer.memory = V4L2_MEMORY_MMAP;
    buffer.index = index;
    return buffer;
  }

  void start() {
    v4l2_capability capability{};
    if (control(VIDIOC_QUERYCAP, &capability) != 0) refuse("not a video device");
    const uint32_t can =
        capability.capabilities & V4L2_CAP_DEVICE_CAPS ? capability.device_caps : capability.capabilities;
    if ((can & V4L2_CAP_VIDEO_CAPTURE) == 0 || (can & V4L2_CAP_STREAMING) == 0) {
      fail(ErrorCode::kUnsupported, "v4l2:{}: the device does not stream video", device_);
    }
    bool chosen = false;
    for (const uint32_t format : {V4L2_PIX_FMT_RGB24, V4L2_PIX_FMT_YUYV, V4L2_PIX_FMT_MJPEG}) {
      v4l2_format wanted{};
      wanted.type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
      wanted.fmt.pix = {};
      wanted.fmt.pix.width = 320;
      wanted.fmt.pix.height = 240;
      wanted.fmt.pix.pixelformat = format;
      if (control(VIDIOC_S_FMT, &wanted) != 0 || wanted.fmt.pix.pixelformat != format) continue;
      format_ = format;
      width_ = wanted.fmt.pix.width;
      height_ = wanted.fmt.pix.height;
      stride_ = wanted.fmt.pix.bytesperline;
      chosen = true;
      break;
    }
    if (!chosen) fail(ErrorCode::kUnsupported, "v4l2:{}: gives none of RGB24, YUYV, MJPEG", device_);
    v4l2_requestbuffers request{};
    request.count = 4;
    request.type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
    request.memory = V4L2_MEMORY_MMAP;
    if (control(VIDIOC_REQBUFS, &request) != 0 || request.count < 2) refuse("no buffers");
    for (uint32_t i = 0; i < request.count; ++i) {
      v4l2_buffer buffer = plain_buffer(i);
      if (control(VIDIOC_QUERYBUF, &buffer) != 0) refuse("no buffers");
      void* memory = mmap(nullptr, buffer.length, PROT_READ | PROT_WRITE, MAP_SHARED, file_, buffer.m.offset);
      if (memory == MAP_FAILED) refuse("its buffers cannot be mapped");
      buffers_.emplace_back(memory, buffer.length);
      if (control(VIDIOC_QBUF, &buffer) != 0) refuse("no buffers");
    }
    int type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
    if (control(VIDIOC_STREAMON, &type) != 0) refuse("cannot start");
  }

  void convert(const uint8_t* bytes, std::size_t size, Picture* picture) {
    const std::string where = fmt::format("v4l2:{}: frame {}", device_, count_);
    if (format_ == V4L2_PIX_FMT_MJPEG) {
      *picture = decode_picture(std::as_bytes(std::span(bytes, size)), where);
      return;
    }
    const int64_t row = width_ * (format_ == V4L2_PIX_FMT_RGB24 ? 3 : 2);
    const int64_t stride = std::max<int64_t>(stride_, row);
    if (static_cast<int64_t>(size) < stride * (height_ - 1) + row) {
      fail(ErrorCode::kBadFile, "{}: {} bytes, too few for {}x{}", where, size, width_, height_);
    }
    *picture = {height_, width_, 3, {}};
    picture->pixels.reserve(static_cast<std::size_t>(height_ * width_ * 3));
    for (int64_t y = 0; y < height_; ++y) {
      const uint8_t* line = bytes + y * stride;
      if (format_ == V4L2_PIX_FMT_RGB24) {
        picture->pixels.insert(picture->pixels.end(), line, line + row);
        continue;
      }
      for (int64_t x = 0; x < width_; ++x) {
        const uint8_t* pair = line + x / 2 * 4;
        append_rgb(&picture->pixels, line[2 * x], pair[1], pair[3], false);
      }
    }
  }

  void release() {
    for (const auto& [memory, size] : buffers_) munmap(memory, size);
    buffers_.clear();
    if (file_ >= 0) close(file_);
    file_ = -1;
  }

  std::string device_;
  int file_ = -1;
  uint32_t format_ = 0;
  int64_t width_ = 0, height_ = 0, stride_ = 0, count_ = 0;
  std::vector<std::pair<void*, std::size_t>> buffers_;
};

}  // namespace

std::unique_ptr<Stream> open_camera(const std::string& device) {
  return std::make_unique<Camera>(device);
}

}  // namespace limber
