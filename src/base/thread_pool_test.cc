// SPDX-License-Identifier: Apache-2.0
#include "base/thread_pool.h"

#include <gtest/gtest.h>
#include <sched.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "base/error.h"

namespace limber {
namespace {

TEST(ThreadPool, EveryItemRunsOnceAndIsVisible) {
  ThreadPool pool(available_cores());
  for (int64_t items : {0, 1, 2, 3, 7, 100, 1000}) {
    for (int round = 0; round < 20; ++round) {
      std::vector<int> seen(static_cast<std::size_t>(items), 0);  // plain ints: the pool has to order the accesses
      pool.run(items, [&](int64_t item, int thread) {
        ASSERT_GE(thread, 0);
        ASSERT_LT(thread, pool.threads());
        ++seen[static_cast<std::size_t>(item)];
      });
      for (int count : seen) ASSERT_EQ(count, 1);
    }
  }
}

TEST(ThreadPool, WorksAfterItsThreadsFellAsleep) {
  ThreadPool pool(available_cores());
  for (int round = 0; round < 3; ++round) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    std::atomic<int> sum = 0;
    pool.run(64, [&](int64_t item, int) { sum += static_cast<int>(item); });
    EXPECT_EQ(sum, 63 * 64 / 2);
  }
}

TEST(ThreadPool, WithoutCoresItIsTheCallersThread) {
  ThreadPool pool;
  EXPECT_EQ(pool.threads(), 1);
  const auto self = std::this_thread::get_id();
  pool.run(5, [&](int64_t, int thread) {
    EXPECT_EQ(thread, 0);
    EXPECT_EQ(std::this_thread::get_id(), self);
  });
}

TEST(ThreadPool, EnterMovesTheCaller) {
  const int core = available_cores().back();
  std::thread([core] {
    ThreadPool pool({core});
    pool.enter();
    EXPECT_EQ(::sched_getcpu(), core);
  }).join();
}

TEST(ThreadPool, RefusesCoresItCannotHave) {
  try {
    ThreadPool pool({100000});
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("core 100000"), std::string::npos) << error.what();
  }
  const int core = available_cores().front();
  EXPECT_THROW(ThreadPool({core, core}), Error);
}

}  // namespace
}  // namespace limber
