// SPDX-License-Identifier: Apache-2.0
// Writes a file so that readers see the old one or the whole new one. Layer: base.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace limber {

// A temporary file in the folder of `path` that replaces it in commit(). Without commit() nothing of it remains, even
// of a killed process: it has no name before, except on file systems that know no nameless files (there the destructor
// removes it). A link is followed; what is replaced keeps its permissions. One thread at a time. Every error is kIo and
// names the path, the bytes written so far and the system's reason (a full disk says so). What is there already and is
// no regular file is refused.
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
  void give_name();

  std::string path_, target_;  // as it was given; behind links
  std::string temporary_;      // its name, once it has one
  int file_ = -1;
  uint64_t written_ = 0;
};

}  // namespace limber
