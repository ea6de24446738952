// SPDX-License-Identifier: Apache-2.0
// Keeps cores busy, to measure what they take. Layer: platform.
#pragma once
#include <atomic>
#include <cstddef>
#include <string>
#include <thread>
#include <vector>

namespace limber {

// One thread a busy core, pinned, until set() is called again. Not thread-safe. set() waits for the former threads,
// milliseconds. A thread that streams has 64 MiB of its own.
class BusyCores {
 public:
  explicit BusyCores(std::vector<int> cpus) : cpus_(std::move(cpus)) {}
  ~BusyCores() { set("", 0); }
  BusyCores(const BusyCores&) = delete;
  BusyCores& operator=(const BusyCores&) = delete;

  // The first `cores` of the CPUs with kDenseClass or kStreamsClass (measure_board.h); 0: none. Fails with
  // kInvalidArgument on another class, more cores than there are, or one that this process may not use.
  void set(const std::string& load_class, std::size_t cores);

 private:
  std::vector<int> cpus_;
  std::vector<std::thread> threads_;
  std::atomic<bool> stop_{false};
};

}  // namespace limber
