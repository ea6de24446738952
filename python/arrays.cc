// SPDX-License-Identifier: Apache-2.0
#include "arrays.h"

#include <vector>

namespace py = pybind11;

namespace limber::python {
namespace {

// Beyond contiguous: values where the processor can load them at once.
template <typename Value>
using Readable = py::array_t<Value, int{py::array::c_style} | int{py::detail::npy_api::NPY_ARRAY_ALIGNED_}>;

std::string text_of(const std::vector<py::ssize_t>& shape) {
  std::string text;
  for (const py::ssize_t extent : shape)
    text += (text.empty() ? "" : ", ") + (extent < 0 ? "n" : std::to_string(extent));
  return "(" + text + (shape.size() == 1 ? ",)" : ")");
}

std::vector<py::ssize_t> shape_of(const py::array& array) {
  return {array.shape(), array.shape() + array.ndim()};
}

[[noreturn]] void refuse(const std::string& message) {
  throw Error(ErrorCode::kInvalidArgument, message);
}

[[noreturn]] void refuse_dtype(const char* what, const py::array& array, const char* legal) {
  throw py::type_error(std::string(what) + " of dtype " + std::string(py::str(array.dtype())) + "; legal: " + legal);
}

}  // namespace

Images::Images(const py::array& array, const Wanted& wanted) {
  if (py::isinstance<py::array_t<uint8_t>>(array)) {
    array_ = Readable<uint8_t>::ensure(array);
  } else if (py::isinstance<py::array_t<float>>(array)) {
    array_ = Readable<float>::ensure(array);
    planes_ = true;
  } else {
    refuse_dtype("images", array, "uint8 pixels (height, width, channels), float32 planes (channels, height, width)");
  }
  if (!array_) throw py::error_already_set();  // no memory for a contiguous copy
  check_shape(wanted);
}

void Images::check_shape(const Wanted& wanted) {
  const ImageSize& size = planes_ ? wanted.planes : wanted.pixels;
  std::vector<py::ssize_t> one = {size.height, size.width, size.channels};
  if (planes_) one = {size.channels, size.height, size.width};
  const std::vector<py::ssize_t> found = shape_of(array_);
  if (!planes_ && size.channels == 1 && found == std::vector<py::ssize_t>{size.height, size.width}) return;  // grey
  batch_ = found.size() == one.size() + 1;
  if (batch_) count_ = found.front();
  const std::vector<py::ssize_t> each(found.begin() + (batch_ ? 1 : 0), found.end());
  const std::size_t height = planes_ ? 1 : 0;
  if (wanted.any_height && each.size() == one.size()) one[height] = each[height];
  if (each == one) return;
  std::vector<py::ssize_t> several = one;
  several.insert(several.begin(), -1);
  std::string message = (planes_ ? "float32 planes of shape " : "uint8 pixels of shape ") + text_of(found) +
                        "; legal: " + text_of(one) + " or " + text_of(several) + ", which " + wanted.reader;
  if (!planes_) message += "; set_image_size(height, width) for images of another size";
  refuse(message);
}

Answer::Answer(const py::array& array, int64_t outputs) {
  if (!py::isinstance<py::array_t<float>>(array)) refuse_dtype("an answer", array, "float32, as infer returns");
  const std::vector<py::ssize_t> legal = {outputs};
  if (shape_of(array) != legal) {
    refuse("an answer of shape " + text_of(shape_of(array)) + "; legal: " + text_of(legal) +
           ", one image's: of a batch give one row");
  }
  array_ = Readable<float>::ensure(array);
  if (!array_) throw py::error_already_set();
}

py::array_t<float> room_for_answers(const py::object& out, const Images& images, int64_t outputs) {
  std::vector<py::ssize_t> shape = {outputs};
  if (images.are_batch()) shape.insert(shape.begin(), images.count());
  if (out.is_none()) return py::array_t<float>(shape);
  if (!py::isinstance<py::array>(out)) throw py::type_error("out is no NumPy array");
  const auto room = py::reinterpret_borrow<py::array>(out);
  if (!py::isinstance<py::array_t<float>>(room)) refuse_dtype("out", room, "float32");
  if (shape_of(room) != shape) refuse("out of shape " + text_of(shape_of(room)) + "; legal: " + text_of(shape));
  const bool aligned = (room.flags() & py::detail::npy_api::NPY_ARRAY_ALIGNED_) != 0;
  if (!py::isinstance<Readable<float>>(room) || !aligned || !room.writeable()) {
    refuse("out is not C-contiguous, aligned and writeable; legal: an array as numpy.empty() makes it");
  }
  return py::reinterpret_borrow<py::array_t<float>>(room);
}

}  // namespace limber::python
