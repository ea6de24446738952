// SPDX-License-Identifier: Apache-2.0
// Writes a file so that readers see the old one or the whole new one. Layer: base.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace limber {

// A temporary file beside `path` that replaces it in commit(). Without commit() nothing of it remains: the destructor
// removes the temporary file. One thread at a time. Every error is kIo and names the path, the bytes written so far and
// the system's reason (a full disk says so). What is there already and is no regular file is refused.
class AtomicFile {
 public:
  explicit AtomicFile(std::string path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(std::span<const std::byte> bytes);
  void write(std::string_view text) { write(std::as_bytes(std::span(text.data(), text.size()))); }
  // Makes the bytes durable, then renames. After this the object is spent.
  void commit();

 private:
  [[noreturn]] void refuse(const char* step, int reason);

  std::string path_, temporary_;
  int file_ = -1;
  uint64_t written_ = 0;
};

}  // namespace limber
