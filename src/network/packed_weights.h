// SPDX-License-Identifier: Apache-2.0
// Weights as the kernels read them, once for the whole family. Layer: network.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "base/aligned_buffer.h"
#include "base/mapped_file.h"
#include "network/blocks.h"
#include "network/network.h"

namespace limber {

// One packed tensor: [panel][tap][k][16] floats, or the file's halves; panels follow `blocks`.
struct PackedTensor {
  const Node* node = nullptr;  // one that uses it: its weight, and the transforms that lead to `kernel`
  int64_t kernel = 1;
  Blocks blocks;              // of the output axis
  int64_t k = 0;              // input axis
  int64_t stored_kernel = 1;  // in the file; differs from `kernel` for a kernel-transform result
  bool half = false;          // kept in half precision
  int64_t offset = 0;         // bytes from the start of all packed weights

  int64_t taps() const { return kernel * kernel; }
  int64_t value_bytes() const { return half ? 2 : 4; }
  int64_t bytes() const { return (blocks.planes() * taps() * k * 16 * value_bytes() + 63) / 64 * 64; }
  int64_t true_bytes() const { return blocks.channels * taps() * k * value_bytes(); }
  bool transformed() const { return kernel != stored_kernel; }
};

struct PackOptions {
  std::string directory;  // of the cache; "" = $LIMBER_CACHE, $XDG_CACHE_HOME/limber or ~/.cache/limber
  bool use_cache = true;
  std::string isa;
};

// Tensors are added first, then all are packed by build(); read-only after that. The packed bytes lie in a cache file
// that is mapped read-only and shared between processes, or, when there is none to be had, in private memory.
class PackedWeights {
 public:
  explicit PackedWeights(const Network& network);

  // The index of the packed form of the node's weight with this kernel; equal ones are packed once. half: the weight is
  // stored as F16, needs no transform, and stays so.
  std::size_t add(const Node& node, int64_t kernel, const Blocks& blocks, bool half);
  // Maps the cache file if it is there and intact, else packs and tries to write it. The network's hash names the file:
  // without one (a network made in memory) the weights stay private.
  void build(const PackOptions& options);

  const PackedTensor& tensor(std::size_t index) const { return tensors_[index]; }
  std::size_t size() const { return tensors_.size(); }
  // 64-byte aligned; see PackedTensor.
  const std::byte* data(std::size_t index) const { return data_ + tensors_[index].offset; }
  // True when the bytes are a mapping of the cache file.
  bool shared() const { return file_.size() > 0; }
  const std::string& cache_path() const { return path_; }

  // fp32 values of a checked tensor by name.
  std::vector<float> values(const std::string& tensor) const;

 private:
  void pack(const PackedTensor& tensor, std::byte* to) const;
  template <typename Value>
  static void spread(const PackedTensor& tensor, const Value* from, Value* to);
  std::string recipe(const PackOptions& options) const;
  bool map_cache(const std::string& header);
  void write_cache(const std::string& header);

  std::map<std::string, const Tensor*> by_name_;
  std::map<std::string, std::size_t> index_;  // weight name and kernel -> tensors_
  std::string hash_;
  std::vector<PackedTensor> tensors_;
  int64_t bytes_ = 0;
  std::string path_;
  MappedFile file_;
  AlignedBuffer memory_;
  const std::byte* data_ = nullptr;
};

}  // namespace limber
