// SPDX-License-Identifier: Apache-2.0
#include "formats/onnx_constants.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <numeric>

namespace limber {
namespace {

template <typename... Args>
[[noreturn]] void refuse(fmt::format_string<Args...> format, Args&&... args) {
  throw OnnxRefusal{fmt::format(format, std::forward<Args>(args)...)};
}

const OnnxAttribute* find(const OnnxNode& node, const char* attribute, const char* kind) {
  const auto found = node.attributes.find(attribute);
  if (found == node.attributes.end()) return nullptr;
  // Files of the first versions do not say the kind.
  if (found->second.kind != kind && found->second.kind != "UNDEFINED")
    refuse("attribute '{}' is of kind {}; legal: {}", attribute, found->second.kind, kind);
  return &found->second;
}

const std::vector<int64_t>& integers(const OnnxTensor* tensor, const char* what) {
  if (tensor == nullptr || !tensor->integers) refuse("{} is no constant of INT64", what);
  return *tensor->integers;
}

OnnxTensor same_data(const OnnxTensor& from, std::vector<int64_t> dims) {
  OnnxTensor result = from;
  result.dims = std::move(dims);
  return result;
}

}  // namespace

int64_t integer_of(const OnnxNode& node, const char* attribute, int64_t otherwise) {
  const OnnxAttribute* found = find(node, attribute, "INT");
  return found == nullptr ? otherwise : found->integer;
}

float number_of(const OnnxNode& node, const char* attribute, float otherwise) {
  const OnnxAttribute* found = find(node, attribute, "FLOAT");
  return found == nullptr ? otherwise : found->number;
}

std::string text_of(const OnnxNode& node, const char* attribute, const std::string& otherwise) {
  const OnnxAttribute* found = find(node, attribute, "STRING");
  return found == nullptr ? otherwise : found->text;
}

std::vector<int64_t> integers_of(const OnnxNode& node, const char* attribute) {
  const OnnxAttribute* found = find(node, attribute, "INTS");
  return found == nullptr ? std::vector<int64_t>() : found->integers;
}

int64_t axis_of(int64_t axis, std::size_t rank) {
  const auto dimensions = static_cast<int64_t>(rank);
  if (axis < -dimensions || axis >= dimensions) refuse("axis {} of {} dimensions", axis, dimensions);
  return axis < 0 ? axis + dimensions : axis;
}

std::vector<int64_t> reshaped(const std::vector<int64_t>& dims, std::vector<int64_t> wanted, bool zero_is_zero) {
  if (wanted.size() > 8) refuse("a shape of {} dimensions", wanted.size());
  const int64_t count = std::accumulate(dims.begin(), dims.end(), int64_t{1}, std::multiplies<>());
  int64_t product = 1, open = -1;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i] == 0 && !zero_is_zero && i < dims.size()) wanted[i] = dims[i];
    if (wanted[i] == -1 && open < 0) {
      open = static_cast<int64_t>(i);
    } else if (wanted[i] < 1 || product > count / wanted[i]) {
      refuse("a shape of [{}] for [{}]", fmt::join(wanted, ", "), fmt::join(dims, ", "));
    } else {
      product *= wanted[i];
    }
  }
  if (open >= 0) wanted[static_cast<std::size_t>(open)] = count / product, product *= count / product;
  if (product != count) refuse("a shape of [{}] for [{}]", fmt::join(wanted, ", "), fmt::join(dims, ", "));
  return wanted;
}

std::vector<int64_t> squeezed(const std::vector<int64_t>& dims, const std::vector<int64_t>& axes) {
  std::vector<bool> gone(dims.size(), false);
  for (const int64_t axis : axes) gone[static_cast<std::size_t>(axis_of(axis, dims.size()))] = true;
  std::vector<int64_t> result;
  for (std::size_t i = 0; i < dims.size(); ++i) {
    if (gone[i] && dims[i] != 1) refuse("axis {} of [{}] is not 1", i, fmt::join(dims, ", "));
    if (!gone[i] && (!axes.empty() || dims[i] != 1)) result.push_back(dims[i]);
  }
  return result;
}

std::vector<int64_t> unsqueezed(const std::vector<int64_t>& dims, const std::vector<int64_t>& axes) {
  const std::size_t rank = dims.size() + axes.size();
  if (rank > 8) refuse("{} dimensions", rank);
  std::vector<int64_t> result(rank, 0);
  for (const int64_t axis : axes) result[static_cast<std::size_t>(axis_of(axis, rank))] = 1;
  if (std::count(result.begin(), result.end(), 1) != static_cast<std::ptrdiff_t>(axes.size())) refuse("an axis twice");
  auto next = dims.begin();
  for (int64_t& extent : result) {
    if (extent == 0) extent = *next++;
  }
  return result;
}

std::pair<int64_t, int64_t> slice_of(int64_t start, int64_t end, int64_t extent) {
  const auto place = [&](int64_t at) {
    at = std::clamp(at, -extent, extent);
    return at < 0 ? at + extent : at;
  };
  return {place(start), place(end)};
}

void OnnxFolder::spend(int64_t values) {
  left_ -= values;
  if (left_ < 0) refuse("constants become many times what the file holds");
}

std::vector<int64_t> OnnxFolder::axes(const OnnxNode& node, const OnnxTensor* input) {
  return input == nullptr ? integers_of(node, "axes") : integers(input, "the second input");
}

OnnxTensor OnnxFolder::constant(const OnnxNode& node) const {
  if (const auto* value = find(node, "value", "TENSOR")) return value->tensor;
  if (const auto* value = find(node, "value_float", "FLOAT")) return onnx_floats({}, {value->number});
  if (const auto* value = find(node, "value_int", "INT")) return onnx_integers({}, {value->integer});
  if (const auto* value = find(node, "value_floats", "FLOATS"))
    return onnx_floats({static_cast<int64_t>(value->numbers.size())}, value->numbers);
  if (const auto* value = find(node, "value_ints", "INTS"))
    return onnx_integers({static_cast<int64_t>(value->integers.size())}, value->integers);
  refuse("neither numbers nor a tensor of numbers");
}

OnnxTensor OnnxFolder::gather(const OnnxNode& node, const OnnxTensor& data, const OnnxTensor& indices) {
  const std::vector<int64_t>& from = integers(&data, "the list");
  if (data.dims.size() != 1 || axis_of(integer_of(node, "axis", 0), 1) != 0) refuse("of more than a list");
  spend(indices.count());
  std::vector<int64_t> result;
  for (const int64_t index : integers(&indices, "an index")) {
    result.push_back(from[static_cast<std::size_t>(axis_of(index, from.size()))]);
  }
  return onnx_integers(indices.dims, std::move(result));
}

OnnxTensor OnnxFolder::concat(const OnnxNode& node, const std::vector<const OnnxTensor*>& inputs) {
  std::vector<int64_t> result;
  for (const OnnxTensor* input : inputs) {
    if (input == nullptr || input->dims.size() != 1 || axis_of(integer_of(node, "axis", 0), 1) != 0)
      refuse("of constants that are no lists");
    const std::vector<int64_t>& part = integers(input, "a part");
    spend(static_cast<int64_t>(part.size()));
    result.insert(result.end(), part.begin(), part.end());
  }
  const auto count = static_cast<int64_t>(result.size());
  return onnx_integers({count}, std::move(result));
}

// Rows of whole numbers, forwards or (as PyTorch writes a Pad) backwards.
OnnxTensor OnnxFolder::slice(const OnnxNode& node, const std::vector<const OnnxTensor*>& inputs) {
  const std::vector<int64_t>& from = integers(inputs.at(0), "the list");
  std::vector<int64_t> dims = inputs[0]->dims;
  if (dims.empty()) refuse("of a constant that is no list");
  const auto part = [&](std::size_t input, const char* attribute, int64_t otherwise) {
    const OnnxTensor* given = inputs.size() > input ? inputs[input] : nullptr;
    const std::vector<int64_t> list = given ? integers(given, attribute) : integers_of(node, attribute);
    if (list.size() > 1) refuse("{} {} of a list", list.size(), attribute);
    return list.empty() ? otherwise : list[0];
  };
  if (axis_of(part(3, "axes", 0), dims.size()) != 0) refuse("of a constant along another axis than the first");
  const int64_t step = part(4, "steps", 1), start = part(1, "starts", 0), end = part(2, "ends", INT64_MAX);
  if (step != 1 && step != -1) refuse("with a step of {}", step);
  auto [first, last] = slice_of(start, end, dims[0]);
  if (step == -1) {  // from start down to end, which is left out
    first = std::min(first, dims[0] - 1);
    if (end < -dims[0]) last = -1;
  }
  const int64_t rows = std::max<int64_t>(0, (last - first) * step),
                row = dims[0] > 0 ? inputs[0]->count() / dims[0] : 0;
  spend(rows * row);
  std::vector<int64_t> result;
  for (int64_t r = 0; r < rows; ++r) {
    const auto at = from.begin() + (first + r * step) * row;
    result.insert(result.end(), at, at + row);
  }
  dims[0] = rows;
  return onnx_integers(std::move(dims), std::move(result));
}

OnnxTensor OnnxFolder::filled(const OnnxNode& node, const OnnxTensor& shape) {
  constexpr int64_t kMost = 4096;  // a shape, not weights
  int64_t count = 1;
  for (const int64_t extent : integers(&shape, "the shape")) {
    if (extent < 0 || extent > kMost || count * extent > kMost || shape.count() > 8)
      refuse("of more than {} values", kMost);
    count *= extent;
  }
  spend(count);
  const auto size = static_cast<std::size_t>(count);
  const OnnxAttribute* value = find(node, "value", "TENSOR");
  if (value != nullptr && value->tensor.integers && value->tensor.count() == 1)
    return onnx_integers(*shape.integers, std::vector<int64_t>(size, value->tensor.integers->at(0)));
  const float number =
      value != nullptr && value->tensor.floats && value->tensor.count() == 1 ? value->tensor.floats->at(0) : 0;
  return onnx_floats(*shape.integers, std::vector<float>(size, number));
}

OnnxTensor OnnxFolder::arithmetic(const OnnxNode& node, const OnnxTensor& a, const OnnxTensor& b) {
  if (!a.known() || !b.known()) refuse("of {} and {}", a.type, b.type);  // texts, 8-bit numbers
  const bool broadcast = a.dims == b.dims || a.count() == 1 || b.count() == 1;
  if (!broadcast || !a.floats != !b.floats)
    refuse("of constants of shapes [{}] and [{}]", fmt::join(a.dims, ", "), fmt::join(b.dims, ", "));
  const bool first = a.count() > 1 || (b.count() == 1 && a.dims.size() >= b.dims.size());
  const OnnxTensor& large = first ? a : b;
  const int64_t count = large.count();
  spend(count);
  const char op = node.type == "Add" ? '+' : node.type == "Sub" ? '-' : node.type == "Mul" ? '*' : '/';
  const auto at = [&](const auto& values, int64_t i) {
    return values[values.size() == 1 ? 0 : static_cast<std::size_t>(i)];
  };
  if (a.floats) {
    std::vector<float> result;
    for (int64_t i = 0; i < count; ++i) {
      const float x = at(*a.floats, i), y = at(*b.floats, i);
      result.push_back(op == '+' ? x + y : op == '-' ? x - y : op == '*' ? x * y : x / y);
    }
    return onnx_floats(large.dims, std::move(result));
  }
  std::vector<int64_t> result;
  for (int64_t i = 0; i < count; ++i) {
    const int64_t x = at(*a.integers, i), y = at(*b.integers, i);
    int64_t value = 0;
    bool over = false;
    if (op == '+') over = __builtin_add_overflow(x, y, &value);
    if (op == '-') over = __builtin_sub_overflow(x, y, &value);
    if (op == '*') over = __builtin_mul_overflow(x, y, &value);
    if (op == '/') {
      over = y == 0 || y == -1;
      value = over ? 0 : x / y;
    }
    if (over) refuse("{} {} {} of whole numbers", x, op, y);
    result.push_back(value);
  }
  return onnx_integers(large.dims, std::move(result));
}

OnnxTensor OnnxFolder::transpose(const OnnxNode& node, const OnnxTensor& data) {
  if (!data.known()) refuse("of {}", data.type);
  const std::size_t rank = data.dims.size();
  std::vector<int64_t> order = integers_of(node, "perm"), sorted;
  if (order.empty()) {
    for (std::size_t i = rank; i > 0; --i) order.push_back(static_cast<int64_t>(i) - 1);
  }
  for (std::size_t i = 0; i < rank; ++i) sorted.push_back(static_cast<int64_t>(i));
  if (!std::is_permutation(order.begin(), order.end(), sorted.begin(), sorted.end()))
    refuse("order [{}] of {} dimensions", fmt::join(order, ", "), rank);
  const int64_t count = data.count();
  spend(count);
  std::vector<int64_t> dims, strides(rank, 1), step;
  for (std::size_t i = rank; i > 1; --i) strides[i - 2] = strides[i - 1] * data.dims[i - 1];
  for (const int64_t axis : order) {
    dims.push_back(data.dims[static_cast<std::size_t>(axis)]);
    step.push_back(strides[static_cast<std::size_t>(axis)]);
  }
  std::vector<std::size_t> places;
  places.reserve(static_cast<std::size_t>(count));
  std::vector<int64_t> at(rank, 0);
  int64_t from = 0;
  while (static_cast<int64_t>(places.size()) < count) {
    places.push_back(static_cast<std::size_t>(from));
    for (std::size_t i = rank; i > 0; --i) {  // like an odometer
      from += step[i - 1];
      if (++at[i - 1] < dims[i - 1]) break;
      from -= step[i - 1] * dims[i - 1];
      at[i - 1] = 0;
    }
  }
  const auto pick = [&](const auto& values, auto result) {
    result.reserve(places.size());
    for (const std::size_t place : places) result.push_back(values[place]);
    return result;
  };
  if (data.integers) return onnx_integers(std::move(dims), pick(*data.integers, std::vector<int64_t>()));
  return onnx_floats(std::move(dims), pick(*data.floats, std::vector<float>()), data.half);
}

OnnxTensor OnnxFolder::fold(const OnnxNode& node, const std::vector<const OnnxTensor*>& inputs) {
  if (node.type == "Constant") return constant(node);
  const auto input = [&](std::size_t i) { return i < inputs.size() ? inputs[i] : nullptr; };
  if (input(0) == nullptr) refuse("without an input");
  const OnnxTensor& data = *input(0);
  if (node.type == "Identity" || node.type == "Dropout") return data;
  if (node.type == "Reshape") {
    return same_data(data, reshaped(data.dims, integers(input(1), "the shape"), integer_of(node, "allowzero", 0) != 0));
  }
  if (node.type == "Squeeze") return same_data(data, squeezed(data.dims, axes(node, input(1))));
  if (node.type == "Unsqueeze") return same_data(data, unsqueezed(data.dims, axes(node, input(1))));
  if (node.type == "Cast") {
    const int64_t to = integer_of(node, "to", 0);
    const bool float_kind = to == 1 || to == 10 || to == 11, integer_kind = to == 6 || to == 7;
    if ((data.floats && float_kind) || (data.integers && integer_kind)) return data;
    spend(data.count());
    if (data.integers && float_kind) return onnx_floats(data.dims, {data.integers->begin(), data.integers->end()});
    refuse("of {} to type {}", data.type, to);
  }
  if (node.type == "Gather" && input(1) != nullptr) return gather(node, data, *input(1));
  if (node.type == "Concat") return concat(node, inputs);
  if (node.type == "ConstantOfShape") return filled(node, data);
  if (node.type == "Slice") return slice(node, inputs);
  if (node.type == "Transpose") return transpose(node, data);
  const bool pairwise = node.type == "Add" || node.type == "Sub" || node.type == "Mul" || node.type == "Div";
  if (pairwise && input(1) != nullptr) return arithmetic(node, data, *input(1));
  if (node.type == "Shape") return onnx_integers({static_cast<int64_t>(data.dims.size())}, data.dims);
  refuse("of constants");
}

}  // namespace limber
