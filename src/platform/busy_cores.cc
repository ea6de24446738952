// SPDX-License-Identifier: Apache-2.0
#include "platform/busy_cores.h"

#include <algorithm>
#include <cstdint>
#include <exception>
#include <future>

#include "base/error.h"
#include "platform/machine.h"
#include "platform/measure_board.h"

namespace limber {
namespace {

// What the loads compute ends here, so that no compiler leaves it out.
std::atomic<uint64_t> sink;

// Ten chains of multiply-adds: enough to hide their latency on any core with two such units.
void run_dense(const std::atomic<bool>& stop) {
  using Vector [[gnu::vector_size(16)]] = float;
  Vector sums[10] = {}, factor = {0.999f, 0.998f, 0.997f, 0.996f}, term = {1, 2, 3, 4};
  while (!stop.load(std::memory_order_relaxed)) {
    for (int i = 0; i < 20'000; ++i) {
      for (Vector& sum : sums) sum = sum * factor + term;
    }
  }
  float total = 0;
  for (const Vector& sum : sums) total += sum[0] + sum[1] + sum[2] + sum[3];
  sink = static_cast<uint64_t>(total);
}

void run_streams(const std::atomic<bool>& stop, const std::vector<uint64_t>& memory) {
  constexpr std::size_t kPiece = 1 << 15;
  uint64_t sums[8] = {};
  for (std::size_t at = 0; !stop.load(std::memory_order_relaxed); at = (at + kPiece) % memory.size()) {
    for (std::size_t i = at; i < at + kPiece; i += 8) {
      for (std::size_t k = 0; k < 8; ++k) sums[k] += memory[i + k];
    }
  }
  uint64_t total = 0;
  for (const uint64_t sum : sums) total += sum;
  sink = total;
}

}  // namespace

void BusyCores::set(const std::string& load_class, std::size_t cores) {
  stop_ = true;
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
  stop_ = false;
  if (cores == 0) return;
  if (load_class != kDenseClass && load_class != kStreamsClass)
    fail(ErrorCode::kInvalidArgument, "load '{}'; legal: {}, {}", load_class, kDenseClass, kStreamsClass);
  if (cores > cpus_.size()) fail(ErrorCode::kInvalidArgument, "{} busy cores; legal: 0 to {}", cores, cpus_.size());
  for (std::size_t i = 0; i < cores; ++i) {
    std::promise<void> started;
    auto ready = started.get_future();
    threads_.emplace_back(
        [this, cpu = cpus_[i], streams = load_class == kStreamsClass, started = std::move(started)]() mutable {
          std::vector<uint64_t> memory;
          try {
            pin_thread({cpu});
            if (streams) memory.assign((64 << 20) / sizeof(uint64_t), 1);
          } catch (...) {
            started.set_exception(std::current_exception());
            return;
          }
          started.set_value();
          streams ? run_streams(stop_, memory) : run_dense(stop_);
        });
    try {
      ready.get();
    } catch (...) {
      set("", 0);
      throw;
    }
  }
}

}  // namespace limber
