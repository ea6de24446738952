// SPDX-License-Identifier: Apache-2.0
// A few threads on an explicit set of cores, for work that takes microseconds. Layer: base.
#pragma once
#include <cstdint>
#include <memory>
#include <type_traits>
#include <vector>

namespace limber {

// The caller's thread and one thread on each further core. Not a task queue: run() hands out the items of one loop and
// returns when all are done. One thread calls at a time. After construction nothing allocates. A waiting thread first
// spins for a bounded time (about the gap between two layers), then sleeps, so an idle pool costs nothing.
class ThreadPool {
 public:
  // cores empty: the calling thread alone, on whatever core it is on. Otherwise the thread that calls run() is moved to
  // cores[0] by its first call (and stays there), and one thread is started and pinned on each of cores[1..]. Fails on
  // a core that the process may not use, listing the legal ones, and on a core listed twice.
  explicit ThreadPool(const std::vector<int>& cores = {});
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const { return threads_; }

  // Moves the calling thread to cores[0] if it is not known to be there. A system call the first time, a comparison
  // after.
  void enter();

  // Calls work(item, thread) once for each item in [0, items), on the caller's thread and the others; thread in [0,
  // threads()). Items are handed out in ascending order, one at a time. What the items write is visible when run()
  // returns. work must not throw.
  template <typename Work>
  void run(int64_t items, Work&& work) {
    if (threads_ == 1 || items <= 1) {
      for (int64_t item = 0; item < items; ++item) work(item, 0);
      return;
    }
    using Plain = std::remove_reference_t<Work>;
    run_shared(
        items, [](void* context, int64_t item, int thread) { (*static_cast<Plain*>(context))(item, thread); },
        const_cast<void*>(static_cast<const void*>(&work)));
  }

 private:
  using Function = void (*)(void* context, int64_t item, int thread);
  void run_shared(int64_t items, Function function, void* context);

  struct Impl;
  std::unique_ptr<Impl> impl_;
  int threads_ = 1;
};

// The logical CPUs that this process may use, ascending.
std::vector<int> available_cores();

}  // namespace limber
