// SPDX-License-Identifier: Apache-2.0
#include "formats/onnx_tensor.h"

#include <fmt/ranges.h>

#include <charconv>
#include <cstring>
#include <filesystem>

#include "base/error.h"
#include "base/half.h"
#include "network/limits.h"

namespace limber {
namespace {

constexpr int kRank = 8;

// 0: a type that is not read.
int64_t element_size(int type) {
  switch (type) {
    case onnx::TensorProto::FLOAT:
    case onnx::TensorProto::INT32:
      return 4;
    case onnx::TensorProto::DOUBLE:
    case onnx::TensorProto::INT64:
      return 8;
    case onnx::TensorProto::FLOAT16:
      return 2;
    case onnx::TensorProto::BOOL:
      return 1;
    default:
      return 0;
  }
}

template <typename To, typename From, typename Convert>
std::vector<To> convert(std::span<const std::byte> bytes, Convert f) {
  std::vector<To> values(bytes.size() / sizeof(From));
  for (std::size_t i = 0; i < values.size(); ++i) {
    From value;
    std::memcpy(&value, bytes.data() + i * sizeof(From), sizeof(From));
    values[i] = f(value);
  }
  return values;
}

OnnxTensor decode(int type, std::vector<int64_t> dims, std::span<const std::byte> bytes) {
  const auto to_float = [](auto value) { return static_cast<float>(value); };
  const auto to_integer = [](auto value) { return static_cast<int64_t>(value); };
  switch (type) {
    case onnx::TensorProto::FLOAT:
      return onnx_floats(std::move(dims), convert<float, float>(bytes, to_float));
    case onnx::TensorProto::DOUBLE:
      return onnx_floats(std::move(dims), convert<float, double>(bytes, to_float));
    case onnx::TensorProto::FLOAT16:
      return onnx_floats(std::move(dims), convert<float, uint16_t>(bytes, half_to_float), true);
    case onnx::TensorProto::INT32:
      return onnx_integers(std::move(dims), convert<int64_t, int32_t>(bytes, to_integer));
    case onnx::TensorProto::INT64:
      return onnx_integers(std::move(dims), convert<int64_t, int64_t>(bytes, to_integer));
    default:
      return onnx_integers(std::move(dims), convert<int64_t, uint8_t>(bytes, to_integer));
  }
}

template <typename To, typename Field, typename Convert>
std::vector<To> copy(const Field& field, Convert f) {
  std::vector<To> values;
  values.reserve(static_cast<std::size_t>(field.size()));
  for (const auto value : field) values.push_back(f(value));
  return values;
}

// The values in the typed fields of the protobuf message.
OnnxTensor typed(const onnx::TensorProto& from, std::vector<int64_t> dims) {
  const auto to_float = [](auto value) { return static_cast<float>(value); };
  const auto to_integer = [](auto value) { return static_cast<int64_t>(value); };
  switch (from.data_type()) {
    case onnx::TensorProto::FLOAT:
      return onnx_floats(std::move(dims), copy<float>(from.float_data(), to_float));
    case onnx::TensorProto::DOUBLE:
      return onnx_floats(std::move(dims), copy<float>(from.double_data(), to_float));
    case onnx::TensorProto::FLOAT16: {
      const auto to_half = [](int32_t bits) { return half_to_float(static_cast<uint16_t>(bits)); };
      return onnx_floats(std::move(dims), copy<float>(from.int32_data(), to_half), true);
    }
    case onnx::TensorProto::INT64:
      return onnx_integers(std::move(dims), copy<int64_t>(from.int64_data(), to_integer));
    default:
      return onnx_integers(std::move(dims), copy<int64_t>(from.int32_data(), to_integer));
  }
}

uint64_t number(const std::string& text, const std::string& what) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size())
    fail(ErrorCode::kBadFile, "{}: '{}' is no number of bytes", what, text.substr(0, 64));
  return value;
}

}  // namespace

int64_t OnnxTensor::count() const {
  int64_t product = 1;
  for (const int64_t extent : dims) product *= extent;
  return product;
}

OnnxTensor onnx_floats(std::vector<int64_t> dims, std::vector<float> values, bool half) {
  OnnxTensor result;
  result.dims = std::move(dims);
  result.type = half ? "FLOAT16" : "FLOAT";
  result.half = half;
  result.floats = std::make_shared<const std::vector<float>>(std::move(values));
  return result;
}

OnnxTensor onnx_integers(std::vector<int64_t> dims, std::vector<int64_t> values) {
  OnnxTensor result;
  result.dims = std::move(dims);
  result.type = "INT64";
  result.integers = std::make_shared<const std::vector<int64_t>>(std::move(values));
  return result;
}

std::span<const std::byte> OnnxTensorReader::external(const onnx::TensorProto& from, uint64_t bytes,
                                                      const std::string& what) {
  namespace fs = std::filesystem;
  std::string location;
  uint64_t offset = 0, length = bytes;
  for (const auto& entry : from.external_data()) {
    if (entry.key() == "location") location = entry.value();
    if (entry.key() == "offset") offset = number(entry.value(), what);
    if (entry.key() == "length") length = number(entry.value(), what);
  }
  const fs::path relative(location);
  bool inside = !location.empty() && location.find('\0') == std::string::npos && relative.is_relative();
  for (const fs::path& part : relative) inside = inside && part != "..";
  std::error_code error;
  const fs::path folder = fs::canonical(folder_.empty() ? "." : folder_, error);
  const fs::path file = fs::weakly_canonical(folder / relative, error);
  inside = inside && !folder_.empty() && !error && file.lexically_relative(folder).begin()->string() != "..";
  if (!inside) {
    fail(ErrorCode::kBadFile, "{}: its data are in '{}'; legal: a file in the folder of the model", what,
         location.substr(0, 256));
  }
  auto known = files_.find(file.string());
  if (known == files_.end()) {
    try {
      known = files_.emplace(file.string(), MappedFile(file.string())).first;
    } catch (const Error& missing) {
      throw Error(missing.code(), fmt::format("{}: {}", what, missing.what()));
    }
  }
  const std::span<const std::byte> all = known->second.bytes();
  if (length != bytes || offset > all.size() || bytes > all.size() - offset) {
    fail(ErrorCode::kBadFile, "{}: {} bytes from {} on of '{}', which has {}; its shape needs {}", what, length, offset,
         location.substr(0, 256), all.size(), bytes);
  }
  return all.subspan(offset, bytes);
}

OnnxTensor OnnxTensorReader::read(const onnx::TensorProto& from, const std::string& what) {
  if (from.dims_size() > kRank)
    fail(ErrorCode::kBadFile, "{}: {} dimensions; legal: up to {}", what, from.dims_size(), kRank);
  std::vector<int64_t> dims(from.dims().begin(), from.dims().end());
  int64_t count = 1;
  for (const int64_t extent : dims) {
    if (extent < 0 || extent > (int64_t{1} << 31) || (extent > 0 && count > limits::kWeightBytes / extent)) {
      fail(ErrorCode::kBadFile, "{}: shape [{}]; legal: 0 or more each, {} values together", what,
           fmt::join(dims, ", "), limits::kWeightBytes);
    }
    count *= extent;
  }
  const int type = from.data_type();
  const int64_t size = element_size(type);
  if (size == 0) {
    OnnxTensor unknown;
    unknown.dims = std::move(dims);
    unknown.type = onnx::TensorProto::DataType_IsValid(type)
                       ? onnx::TensorProto::DataType_Name(static_cast<onnx::TensorProto::DataType>(type))
                       : fmt::format("type {}", type);
    return unknown;
  }
  if (from.has_segment()) fail(ErrorCode::kUnsupported, "{}: it is one segment of a larger tensor", what);
  const auto bytes = static_cast<uint64_t>(count * size);
  if (from.data_location() == onnx::TensorProto::EXTERNAL)
    return decode(type, std::move(dims), external(from, bytes, what));
  if (from.has_raw_data()) {
    const std::string& raw = from.raw_data();
    if (raw.size() != bytes) {
      fail(ErrorCode::kBadFile, "{}: {} bytes of data; its shape [{}] needs {}", what, raw.size(),
           fmt::join(dims, ", "), bytes);
    }
    return decode(type, std::move(dims), std::as_bytes(std::span(raw)));
  }
  OnnxTensor result = typed(from, std::move(dims));
  const std::size_t found = result.floats ? result.floats->size() : result.integers->size();
  if (found != static_cast<std::size_t>(count)) {
    fail(ErrorCode::kBadFile, "{}: {} values; its shape [{}] needs {}", what, found, fmt::join(result.dims, ", "),
         count);
  }
  return result;
}

}  // namespace limber
