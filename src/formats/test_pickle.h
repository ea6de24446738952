// SPDX-License-Identifier: Apache-2.0
// Pickles and checkpoints written by hand, right and wrong ones. Layer: formats (tests only).
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace limber {

// One after another.
template <typename... Parts>
std::string cat(const Parts&... parts) {
  std::string all;
  ((all += std::string_view(parts)), ...);
  return all;
}

inline std::string little_endian(uint64_t value, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i) text += static_cast<char>(value >> (8 * i));
  return text;
}

// Pieces of a pickle of protocol 2; each leaves one value on the stack.
inline std::string p_text(const std::string& text) {
  return cat("X", little_endian(text.size(), 4), text);
}
inline std::string p_integer(int64_t value) {
  return cat("\x8a\x08", little_endian(static_cast<uint64_t>(value), 8));
}
inline std::string p_global(const std::string& module, const std::string& name) {
  return cat("c", module, "\n", name, "\n");
}
inline std::string p_tuple(const std::string& items) {
  return cat("(", items, "t");
}
inline std::string p_dictionary(const std::string& items) {
  return cat("}(", items, "u");
}
inline std::string p_call(const std::string& callee, const std::string& arguments) {
  return cat(callee, p_tuple(arguments), "R");
}
inline std::string p_storage(const std::string& type, const std::string& key, int64_t count) {
  return p_tuple(p_text("storage") + p_global("torch", type) + p_text(key) + p_text("cpu") + p_integer(count)) + "Q";
}
inline std::string p_integers(const std::vector<int64_t>& values) {
  std::string items;
  for (const int64_t value : values) items += p_integer(value);
  return p_tuple(items);
}
inline std::string p_tensor(const std::string& storage, int64_t offset, const std::vector<int64_t>& shape,
                            const std::vector<int64_t>& strides) {
  const std::string hooks = p_call(p_global("collections", "OrderedDict"), "");
  return p_call(p_global("torch._utils", "_rebuild_tensor_v2"),
                storage + p_integer(offset) + p_integers(shape) + p_integers(strides) + "\x89" + hooks);
}
inline std::string pickled(const std::string& value) {
  return cat("\x80\x02", value, ".");
}

// torch.save's file of pickles around one value. storages: key, count, bytes.
struct RawStorage {
  std::string key;
  uint64_t count = 0;
  std::string bytes;
};
inline std::string pickles_file(const std::string& value, const std::vector<RawStorage>& storages) {
  std::string file("\x80\x02\x8a\x0al\xfc\x9c\x46\xf9 j\xa8P\x19.", 15);
  file += pickled("M\xe9\x03") + pickled(p_dictionary(p_text("little_endian") + "\x88")) + pickled(value);
  std::string keys = "](";
  for (const RawStorage& storage : storages) keys += p_text(storage.key);
  file += pickled(keys + "e");
  for (const RawStorage& storage : storages) file += little_endian(storage.count, 8) + storage.bytes;
  return file;
}

}  // namespace limber
