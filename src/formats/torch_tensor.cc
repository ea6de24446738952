// SPDX-License-Identifier: Apache-2.0
#include "formats/torch_tensor.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "base/error.h"

namespace limber {
namespace {

using Kind = PickleValue::Kind;

constexpr std::size_t kRank = 8;
constexpr int kWrappings = 4;  // a parameter of a tensor of ...

constexpr std::string_view kRebuild = "torch._utils._rebuild_tensor_v2";       // storage, offset, shape, strides, ...
constexpr std::string_view kParameter = "torch._utils._rebuild_parameter";     // tensor, ...
constexpr std::string_view kFromType = "torch._tensor._rebuild_from_type_v2";  // function, type, arguments, state

std::vector<int64_t> integers(const Pickle& pickle, PickleRef ref, const std::string& where) {
  const PickleValue& tuple = pickle.at(ref);
  if (tuple.kind != Kind::kTuple || tuple.items.size() > kRank) {
    fail(ErrorCode::kBadFile, "{}: its shape or strides are no tuple of up to {} numbers", where, kRank);
  }
  std::vector<int64_t> values;
  for (const PickleRef item : tuple.items) {
    if (pickle.at(item).kind != Kind::kInteger || pickle.at(item).number < 0) {
      fail(ErrorCode::kBadFile, "{}: its shape or strides hold something else than numbers from 0", where);
    }
    values.push_back(pickle.at(item).number);
  }
  return values;
}

struct View {
  const TorchStorage* storage = nullptr;
  int64_t offset = 0, count = 1;
  std::vector<int64_t> shape, strides;
  bool contiguous = true;
};

// The arguments of the innermost rebuilding call.
const std::vector<PickleRef>& unwrap(const Pickle& pickle, PickleRef ref, const std::string& where) {
  for (int i = 0; i < kWrappings; ++i) {
    const PickleValue& call = pickle.at(ref);
    if (call.kind != Kind::kCall) break;
    if (call.text == kRebuild && call.items.size() >= 4) return call.items;
    if (call.text == kParameter && !call.items.empty()) {
      ref = call.items[0];
    } else if (call.text == kFromType && call.items.size() >= 3 && pickle.at(call.items[0]).text == kRebuild &&
               pickle.at(call.items[2]).kind == Kind::kTuple && pickle.at(call.items[2]).items.size() >= 4) {
      return pickle.at(call.items[2]).items;
    } else {
      break;
    }
  }
  fail(ErrorCode::kBadFile, "{}: not rebuilt as tensors are", where);
}

View check_view(const TorchRecords& records, PickleRef ref, const std::string& where) {
  const Pickle& pickle = records.pickle;
  const std::vector<PickleRef>& arguments = unwrap(pickle, ref, where);
  View view;
  view.storage = &records.storages.find(storage_key(pickle, arguments[0], where))->second;
  const PickleValue& offset = pickle.at(arguments[1]);
  view.offset = offset.number;
  view.shape = integers(pickle, arguments[2], where);
  view.strides = integers(pickle, arguments[3], where);
  if (offset.kind != Kind::kInteger || offset.number < 0 || view.shape.size() != view.strides.size()) {
    fail(ErrorCode::kBadFile, "{}: offset {}, {} extents and {} strides do not fit each other", where, offset.number,
         view.shape.size(), view.strides.size());
  }
  int64_t last = view.offset;  // the highest element that is read
  bool fits = true;
  for (std::size_t i = view.shape.size(); i-- > 0;) {
    if (view.shape[i] == 1) view.strides[i] = 0;  // never taken: it may be any number
    if (view.shape[i] != 1 && view.strides[i] != view.count) view.contiguous = false;
    int64_t reach = 0;
    if (__builtin_mul_overflow(view.count, view.shape[i], &view.count)) fits = false;
    if (view.shape[i] > 0 && (__builtin_mul_overflow(view.shape[i] - 1, view.strides[i], &reach) ||
                              __builtin_add_overflow(last, reach, &last))) {
      fits = false;
    }
  }
  if (!fits || (view.count > 0 && last >= view.storage->count)) {
    fail(ErrorCode::kBadFile, "{}: it reaches beyond its storage of {} elements", where, view.storage->count);
  }
  return view;
}

float to_float(Element element, const std::byte* from, const std::string& where) {
  float value = 0;
  if (element == Element::kF32) {
    std::memcpy(&value, from, 4);
  } else if (element == Element::kBf16) {
    std::memcpy(reinterpret_cast<std::byte*>(&value) + 2, from, 2);  // the upper half of a float, little-endian
  } else {
    double wide = 0;
    std::memcpy(&wide, from, 8);
    if (std::isfinite(wide) && std::fabs(wide) > double{std::numeric_limits<float>::max()}) {
      fail(ErrorCode::kUnsupported, "{}: {} does not fit a float", where, wide);
    }
    value = static_cast<float>(wide);
  }
  return value;
}

// Row by row in the order of the shape.
void gather(const View& view, DType dtype, std::byte* to, const std::string& where) {
  std::vector<int64_t> index(view.shape.size(), 0);
  int64_t at = view.offset;
  for (int64_t i = 0; i < view.count; ++i) {
    const std::byte* from = view.storage->bytes.data() + at * view.storage->element_size;
    if (dtype == DType::kF16) {
      std::memcpy(to + 2 * i, from, 2);
    } else {
      const float value = to_float(view.storage->element, from, where);
      std::memcpy(to + 4 * i, &value, 4);
    }
    for (std::size_t axis = index.size(); axis-- > 0;) {
      at += view.strides[axis];
      if (++index[axis] < view.shape[axis]) break;
      at -= view.strides[axis] * view.shape[axis];
      index[axis] = 0;
    }
  }
}

}  // namespace

bool is_torch_tensor(const Pickle& pickle, PickleRef ref) {
  const PickleValue& value = pickle.at(ref);
  return value.kind == Kind::kCall && (value.text == kRebuild || value.text == kParameter || value.text == kFromType);
}

std::optional<Tensor> read_torch_tensor(const TorchRecords& records, PickleRef ref, CopyBudget* budget,
                                        const std::string& where) {
  const View view = check_view(records, ref, where);
  const Element element = view.storage->element;
  if (element == Element::kInteger) return std::nullopt;
  Tensor tensor;
  tensor.dtype = element == Element::kF16 ? DType::kF16 : DType::kF32;
  tensor.shape = view.shape;
  const std::size_t size = tensor.dtype == DType::kF16 ? 2 : 4;
  const bool as_stored = element == Element::kF16 || element == Element::kF32;
  const auto count = static_cast<std::size_t>(view.count);
  if (view.contiguous && as_stored && count > 0) {
    const std::span<const std::byte> bytes =
        view.storage->bytes.subspan(static_cast<std::size_t>(view.offset) * size, count * size);
    if (reinterpret_cast<uintptr_t>(bytes.data()) % size == 0) {
      tensor.bytes = bytes;
      tensor.owner = records.owner;
      return tensor;
    }
  }
  if (count > budget->bytes / size) {
    fail(ErrorCode::kBadFile, "{}: spread out, the tensors are far larger than the file", where);
  }
  budget->bytes -= count * size;
  const auto copy = std::make_shared<std::vector<std::byte>>(count * size);
  gather(view, tensor.dtype, copy->data(), where);
  tensor.bytes = *copy;
  tensor.owner = copy;
  return tensor;
}

}  // namespace limber
