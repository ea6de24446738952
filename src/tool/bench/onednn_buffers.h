// SPDX-License-Identifier: Apache-2.0
// Activations of a oneDNN program in few buffers. Layer: tool; an optional component (libdnnl-dev).
#pragma once
#include <dnnl.hpp>
#include <memory>
#include <vector>

namespace limber::tool {

// Memories are made without bytes; finish() gives each its own, and those that were released before another was made
// may share them.
class OneDnnBuffers {
 public:
  explicit OneDnnBuffers(dnnl::engine engine) : engine_(std::move(engine)) {}

  dnnl::memory make(const dnnl::memory::desc& shape);
  void release(const dnnl::memory& memory);  // nobody reads it any more; of memories made here
  std::vector<std::unique_ptr<std::byte[]>> finish();

 private:
  struct Buffer {
    std::size_t bytes = 0;
    bool free = false;
    std::vector<dnnl::memory> users;  // the last one is the present one
  };
  dnnl::engine engine_;
  std::vector<Buffer> buffers_;
};

}  // namespace limber::tool
