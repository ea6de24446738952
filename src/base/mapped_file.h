// SPDX-License-Identifier: Apache-2.0
// A file as read-only memory. Layer: base.
#pragma once
#include <cstddef>
#include <span>
#include <string>

namespace limber {

// Maps a whole file read-only and shared, so processes that map the same file share its pages. Move only; safe to read
// from many threads. If another process truncates the file while it is mapped, reading faults: replace files, never
// shorten them (AtomicFile does that).
class MappedFile {
 public:
  MappedFile() = default;
  // Fails with kNotFound or kIo naming the path and the system's reason. A directory is refused.
  explicit MappedFile(const std::string& path);
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  ~MappedFile();

  std::span<const std::byte> bytes() const { return {data_, size_}; }
  std::size_t size() const { return size_; }

 private:
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace limber
