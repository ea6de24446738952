// SPDX-License-Identifier: Apache-2.0
#include "formats/safetensors.h"

#include <algorithm>
#include <cstring>
#include <set>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/mapped_file.h"
#include "formats/json_fields.h"

namespace limber {
namespace {

constexpr uint64_t kHeaderLimit = uint64_t{16} << 20;
constexpr std::size_t kRank = 8;

int64_t element_size(DType dtype) {
  return dtype == DType::kF32 ? 4 : dtype == DType::kF16 ? 2 : 1;
}

std::string guess(std::span<const std::byte> bytes) {
  const auto starts = [&](std::string_view magic) {
    return bytes.size() >= magic.size() && std::memcmp(bytes.data(), magic.data(), magic.size()) == 0;
  };
  if (starts("PK")) return " (a zip archive, perhaps a PyTorch checkpoint)";
  if (starts("\x1f\x8b")) return " (gzip)";
  if (starts("\x08")) return " (perhaps ONNX)";
  if (starts("GGUF")) return " (GGUF)";
  if (starts("{")) return " (JSON, perhaps a graph of networks/)";
  if (starts("\x89PNG") || starts("\xff\xd8")) return " (a picture)";
  return "";
}

Tensor parse_tensor(const std::string& name, const Json& json, const std::string& where, uint64_t size,
                    uint64_t* from) {
  const Fields fields(json, fmt::format("{}: tensor '{}'", where, name), {"dtype", "shape", "data_offsets"});
  Tensor tensor;
  tensor.name = name;
  const std::string dtype = fields.text("dtype");
  bool known = false;
  for (const DType legal : {DType::kF32, DType::kF16, DType::kI8}) {
    if (dtype == dtype_name(legal)) tensor.dtype = legal, known = true;
  }
  if (!known) fail(ErrorCode::kBadFile, "{}: found '{}', legal: F32, F16, I8", fields.at("dtype"), dtype);
  tensor.shape = fields.integers("shape");
  if (tensor.shape.size() > kRank) {
    fail(ErrorCode::kBadFile, "{}: {} dimensions, at most {} are legal", fields.at("shape"), tensor.shape.size(),
         kRank);
  }
  int64_t bytes = element_size(tensor.dtype);
  for (const int64_t extent : tensor.shape) {
    if (extent < 1 || __builtin_mul_overflow(bytes, extent, &bytes)) {
      fail(ErrorCode::kBadFile, "{}: extent {} is not legal: extents are positive and their product fits 63 bits",
           fields.at("shape"), extent);
    }
  }
  const std::vector<int64_t> offsets = fields.integers("data_offsets");
  if (offsets.size() != 2 || offsets[0] < 0 || offsets[1] < offsets[0] || static_cast<uint64_t>(offsets[1]) > size) {
    fail(ErrorCode::kBadFile, "{}: expected [begin, end] with 0 <= begin <= end <= {}", fields.at("data_offsets"),
         size);
  }
  if (offsets[1] - offsets[0] != bytes) {
    fail(ErrorCode::kBadFile, "{}: {} bytes, but its shape and dtype need {}", fields.at("data_offsets"),
         offsets[1] - offsets[0], bytes);
  }
  *from = static_cast<uint64_t>(offsets[0]);
  return tensor;
}

}  // namespace

SafeTensors parse_safetensors(std::span<const std::byte> bytes, std::shared_ptr<const void> owner,
                              const std::string& where) {
  if (bytes.size() < 8) {
    fail(ErrorCode::kBadFile, "{}: {} bytes, a safetensors file has at least 8: truncated or foreign{}", where,
         bytes.size(), guess(bytes));
  }
  uint64_t length = 0;
  for (int i = 0; i < 8; ++i) length |= std::to_integer<uint64_t>(bytes[i]) << (8 * i);
  if (length > kHeaderLimit || length > bytes.size() - 8) {
    fail(ErrorCode::kBadFile,
         "{}: its header would be {} bytes, but the file has {} and {} is the limit: truncated, or not a safetensors "
         "file{}",
         where, length, bytes.size(), kHeaderLimit, guess(bytes));
  }
  const std::span<const std::byte> data = bytes.subspan(8 + length);
  const Json header = parse_json({reinterpret_cast<const char*>(bytes.data()) + 8, length}, where + ": header");
  if (!header.is_object()) fail(ErrorCode::kBadFile, "{}: the header is not a JSON object", where);

  SafeTensors content;
  std::vector<std::pair<uint64_t, std::size_t>> order;  // offset, index
  for (const auto& [name, json] : header.items()) {
    if (name == "__metadata__") {
      if (!json.is_object()) fail(ErrorCode::kBadFile, "{}: '__metadata__' is not an object", where);
      for (const auto& [key, value] : json.items()) {
        content.metadata[key] = json_text(value, fmt::format("{}: metadata '{}'", where, key));
      }
      continue;
    }
    uint64_t from = 0;
    content.tensors.push_back(parse_tensor(name, json, where, data.size(), &from));
    Tensor& tensor = content.tensors.back();
    int64_t size = element_size(tensor.dtype);
    for (const int64_t extent : tensor.shape) size *= extent;
    tensor.bytes = data.subspan(from, static_cast<std::size_t>(size));
    tensor.owner = owner;
    order.emplace_back(from, content.tensors.size() - 1);
  }
  std::sort(order.begin(), order.end());
  uint64_t end = 0;
  for (const auto& [from, index] : order) {
    if (from != end) {
      fail(ErrorCode::kBadFile,
           "{}: tensor '{}' begins at byte {} of the data, the one before ends at {}: they must touch", where,
           content.tensors[index].name, from, end);
    }
    end = from + content.tensors[index].bytes.size();
  }
  if (end != data.size()) {
    fail(ErrorCode::kBadFile, "{}: {} bytes of data, the tensors cover {}: truncated, or something was appended", where,
         data.size(), end);
  }
  for (Tensor& tensor : content.tensors) {
    if (reinterpret_cast<uintptr_t>(tensor.bytes.data()) % static_cast<uintptr_t>(element_size(tensor.dtype)) == 0)
      continue;
    const auto copy = std::make_shared<std::vector<std::byte>>(tensor.bytes.begin(), tensor.bytes.end());
    tensor.bytes = *copy;
    tensor.owner = copy;
  }
  return content;
}

SafeTensors read_safetensors(const std::string& path) {
  const auto file = std::make_shared<MappedFile>(path);
  return parse_safetensors(file->bytes(), file, path);
}

void write_safetensors(const SafeTensors& content, const std::string& path) {
  std::vector<const Tensor*> order;
  for (const Tensor& tensor : content.tensors) order.push_back(&tensor);
  std::sort(order.begin(), order.end(), [](const Tensor* a, const Tensor* b) {
    return std::pair(-element_size(a->dtype), a->name) < std::pair(-element_size(b->dtype), b->name);
  });
  Json header = Json::object();
  if (!content.metadata.empty()) header["__metadata__"] = content.metadata;
  std::size_t end = 0;
  for (const Tensor* tensor : order) {
    if (header.contains(tensor->name)) {
      fail(ErrorCode::kInvalidArgument, "{}: two tensors are called '{}'", path, tensor->name);
    }
    header[tensor->name] = {{"dtype", dtype_name(tensor->dtype)},
                            {"shape", tensor->shape},
                            {"data_offsets", {end, end + tensor->bytes.size()}}};
    end += tensor->bytes.size();
  }
  std::string text = print_json(header);
  text.resize((text.size() + 7) / 8 * 8, ' ');
  std::string length(8, '\0');
  for (int i = 0; i < 8; ++i) length[i] = static_cast<char>(uint64_t{text.size()} >> (8 * i));
  AtomicFile file(path);
  file.write(length);
  file.write(text);
  for (const Tensor* tensor : order) file.write(tensor->bytes);
  file.commit();
}

}  // namespace limber
