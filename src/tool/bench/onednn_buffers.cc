// SPDX-License-Identifier: Apache-2.0
#include "tool/bench/onednn_buffers.h"

#include <algorithm>
#include <cstddef>

namespace limber::tool {

namespace {
constexpr std::size_t kLine = 64;
}

dnnl::memory OneDnnBuffers::make(const dnnl::memory::desc& shape) {
  const std::size_t bytes = shape.get_size();
  const dnnl::memory memory(shape, engine_, DNNL_MEMORY_NONE);
  // The smallest free one that is large enough, else the largest free one, which grows.
  Buffer* best = nullptr;
  for (Buffer& buffer : buffers_) {
    if (!buffer.free) continue;
    const bool fits = buffer.bytes >= bytes;
    if (best == nullptr || (fits && (best->bytes < bytes || buffer.bytes < best->bytes)) ||
        (!fits && best->bytes < bytes && buffer.bytes > best->bytes)) {
      best = &buffer;
    }
  }
  if (best == nullptr) best = &buffers_.emplace_back();
  best->bytes = std::max(best->bytes, bytes);
  best->free = false;
  best->users.push_back(memory);
  return memory;
}

void OneDnnBuffers::release(const dnnl::memory& memory) {
  for (Buffer& buffer : buffers_) {
    if (buffer.users.back().get() == memory.get()) buffer.free = true;
  }
}

std::vector<std::unique_ptr<std::byte[]>> OneDnnBuffers::finish() {
  std::vector<std::unique_ptr<std::byte[]>> bytes;
  for (Buffer& buffer : buffers_) {
    bytes.push_back(std::make_unique<std::byte[]>(buffer.bytes + kLine));
    void* start = bytes.back().get();
    std::size_t room = buffer.bytes + kLine;
    std::align(kLine, buffer.bytes, start, room);
    for (dnnl::memory& user : buffer.users) user.set_data_handle(start);
  }
  return bytes;
}

}  // namespace limber::tool
