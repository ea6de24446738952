// SPDX-License-Identifier: Apache-2.0
#include "base/thread_pool.h"

#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <system_error>
#include <thread>

#include "base/cpu_list.h"
#include "base/error.h"

namespace limber {
namespace {

// About 20-50 microseconds: longer than the gap between two layers, far shorter than a scheduler's time slice.
constexpr int kSpins = 2000;

void relax() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__) || defined(__arm__)
  asm volatile("yield");
#endif
}

// Waits until value != old: spins, then sleeps.
template <typename T>
T wait_for_change(std::atomic<T>& value, T old) {
  for (int spin = 0; spin < kSpins; ++spin) {
    const T now = value.load(std::memory_order_acquire);
    if (now != old) return now;
    relax();
  }
  while (true) {
    value.wait(old, std::memory_order_acquire);
    const T now = value.load(std::memory_order_acquire);
    if (now != old) return now;
  }
}

bool pin(int core) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<unsigned>(core), &set);
  return ::pthread_setaffinity_np(::pthread_self(), sizeof set, &set) == 0;
}

thread_local int pinned_to = -1;  // the core that a pool moved this thread to

// The process's cores as they were when first asked: pinning a thread later narrows what that thread sees.
const std::vector<int>& process_cores() {
  static const std::vector<int> cores = [] {
    std::vector<int> found;
    cpu_set_t set;
    CPU_ZERO(&set);
    // Of the process's first thread, not of a thread that was pinned.
    if (::sched_getaffinity(::getpid(), sizeof set, &set) == 0) {
      for (int core = 0; core < CPU_SETSIZE; ++core) {
        if (CPU_ISSET(static_cast<unsigned>(core), &set)) found.push_back(core);
      }
    }
    if (found.empty()) found.push_back(0);
    return found;
  }();
  return cores;
}

}  // namespace

struct ThreadPool::Impl {
  std::vector<int> cores;
  std::vector<std::thread> workers;

  // One loop at a time. `round` publishes function, context and items to the workers; `running` counts the workers
  // still in it.
  alignas(64) std::atomic<uint32_t> round{0};
  Function function = nullptr;
  void* context = nullptr;
  int64_t items = 0;
  bool stop = false;
  alignas(64) std::atomic<int64_t> next{0};
  alignas(64) std::atomic<uint32_t> running{0};

  void take_items(int thread) {
    for (int64_t item = next.fetch_add(1, std::memory_order_relaxed); item < items;
         item = next.fetch_add(1, std::memory_order_relaxed)) {
      function(context, item, thread);
    }
  }

  void publish() {
    running.store(static_cast<uint32_t>(workers.size()), std::memory_order_relaxed);
    next.store(0, std::memory_order_relaxed);
    round.fetch_add(1, std::memory_order_release);
    round.notify_all();
  }

  void finish() {
    if (workers.empty()) return;
    stop = true;
    publish();
    for (std::thread& worker : workers) worker.join();
  }

  void serve(int thread, int core) {
    pin(core);
    pinned_to = core;
    uint32_t seen = 0;
    while (true) {
      seen = wait_for_change(round, seen);
      if (stop) return;
      take_items(thread);
      if (running.fetch_sub(1, std::memory_order_acq_rel) == 1) running.notify_one();
    }
  }
};

std::vector<int> available_cores() {
  return process_cores();
}

ThreadPool::ThreadPool(const std::vector<int>& cores) : impl_(std::make_unique<Impl>()) {
  const std::vector<int>& legal = process_cores();
  for (std::size_t i = 0; i < cores.size(); ++i) {
    if (std::find(legal.begin(), legal.end(), cores[i]) == legal.end()) {
      fail(ErrorCode::kInvalidArgument, "core {} is not available; this process may use {}", cores[i],
           print_cpu_list(legal));
    }
    if (std::find(cores.begin(), cores.begin() + static_cast<std::ptrdiff_t>(i), cores[i]) !=
        cores.begin() + static_cast<std::ptrdiff_t>(i)) {
      fail(ErrorCode::kInvalidArgument, "core {} is listed twice; list each core once", cores[i]);
    }
  }
  impl_->cores = cores;
  threads_ = std::max<int>(1, static_cast<int>(cores.size()));
  try {
    impl_->workers.reserve(cores.size());
    for (int thread = 1; thread < threads_; ++thread) {
      const int core = cores[static_cast<std::size_t>(thread)];
      impl_->workers.emplace_back([impl = impl_.get(), thread, core] { impl->serve(thread, core); });
    }
  } catch (const std::system_error& error) {
    impl_->finish();  // a thread that is neither joined nor detached would end the process
    fail(ErrorCode::kUnsupported, "cannot start {} threads: {}; use fewer cores", threads_, error.what());
  }
}

ThreadPool::~ThreadPool() {
  impl_->finish();
}

void ThreadPool::enter() {
  if (impl_->cores.empty() || pinned_to == impl_->cores.front()) return;
  if (pin(impl_->cores.front())) pinned_to = impl_->cores.front();
}

void ThreadPool::run_shared(int64_t items, Function function, void* context) {
  Impl& impl = *impl_;
  impl.function = function;
  impl.context = context;
  impl.items = items;
  impl.publish();
  impl.take_items(0);
  for (uint32_t left = impl.running.load(std::memory_order_acquire); left != 0;) {
    left = wait_for_change(impl.running, left);
  }
}

}  // namespace limber
