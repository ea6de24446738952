// SPDX-License-Identifier: Apache-2.0
// NumPy arrays as the library's spans. Checked here: dtype (TypeError) and shape (limber.InvalidArgument), because the
// library sees only how many values there are. Nothing is copied but an input that is not C-contiguous.
#pragma once
#include <pybind11/numpy.h>

#include <cstdint>
#include <span>
#include <string>

#include "limber/limber.hpp"

namespace limber::python {

// What images have to be, and who wants it so, for the message.
struct Wanted {
  ImageSize pixels;         // of uint8 arrays
  ImageSize planes;         // of float32 arrays, which are never resized
  bool any_height = false;  // of a sequence, whose length the library knows: it checks the number of values
  std::string reader;       // "member '25%' reads"
};

// uint8 [height][width][channels], float32 [channels][height][width]; or a batch, with a dimension in front. One grey
// image may be [height][width]. Holds the array.
class Images {
 public:
  Images(const pybind11::array& array, const Wanted& wanted);

  bool are_planes() const { return planes_; }
  bool are_batch() const { return batch_; }
  int64_t count() const { return count_; }
  template <typename Value>
  std::span<const Value> values() const {
    return {static_cast<const Value*>(array_.data()), static_cast<std::size_t>(array_.size())};
  }

 private:
  void check_shape(const Wanted& wanted);

  pybind11::array array_;
  bool planes_ = false, batch_ = false;
  int64_t count_ = 1;
};

// The answer for one image: float32 [outputs].
class Answer {
 public:
  Answer(const pybind11::array& array, int64_t outputs);
  std::span<const float> values() const { return {array_.data(), static_cast<std::size_t>(array_.size())}; }

 private:
  pybind11::array_t<float, pybind11::array::c_style> array_;
};

// Room for answers, [outputs] or of a batch [images][outputs]: `out` itself if it is not None, else a new array.
pybind11::array_t<float> room_for_answers(const pybind11::object& out, const Images& images, int64_t outputs);

}  // namespace limber::python
