// SPDX-License-Identifier: Apache-2.0
// Images one after another, for `limber run --input`. Layer: formats.
#pragma once
#include <memory>
#include <string>

#include "formats/picture.h"

namespace limber {

struct Frame {
  Picture picture;   // of the size that open_stream was asked for
  int label = -1;    // -1: not known
  std::string name;  // "frame 17", or the picture's file
};

// One thread at a time.
class Stream {
 public:
  virtual ~Stream() = default;
  // False at the end. Blocks until there is a frame. Fails with kBadFile or kIo naming the source and the frame.
  virtual bool next(Frame* frame) = 0;
};

// Every frame is fitted to height x width x channels (1 or 3); height and width 0: to the first frame's. `input` is one
// of
//   y4m:FILE           YUV4MPEG2, 8 bits: 420, 422, 444, mono (FILE may be - for standard input)
//   raw:WxH:rgb:FILE   headerless frames; rgb or grey (FILE may be -)
//   v4l2:DEVICE        a camera, e.g. v4l2:/dev/video0; RGB24, YUYV or MJPEG
//   a picture, a folder of pictures (by name), or a data set (name or path: its test split, with labels)
// Fails naming what was found and the legal forms.
std::unique_ptr<Stream> open_stream(const std::string& input, int64_t height, int64_t width, int64_t channels);

// --- the sources; pictures as they come, not yet fitted ---
std::unique_ptr<Stream> open_y4m(const std::string& path);
std::unique_ptr<Stream> open_raw(const std::string& geometry_and_path);
std::unique_ptr<Stream> open_camera(const std::string& device);

// One YCbCr pixel of BT.601 as RGB, appended. full: 0..255, else 16..235/240.
void append_rgb(std::vector<uint8_t>* out, int y, int cb, int cr, bool full);

}  // namespace limber
