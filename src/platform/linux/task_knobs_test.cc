// SPDX-License-Identifier: Apache-2.0
// On this machine's own threads: these calls need no board.
#include "platform/linux/task_knobs.h"

#include <fmt/core.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "platform/linux/faulty_fs.h"
#include "platform/linux/real_fs.h"
#include "platform/linux/task_files.h"
#include "platform/machine.h"

namespace limber {
namespace {

class Tasks : public testing::Test {
 protected:
  // Runs on a thread of its own, whose settings may be spoiled.
  template <typename Work>
  void on_a_thread(Work work) {
    std::thread([&] { work(static_cast<int>(::syscall(SYS_gettid))); }).join();
  }
  RealFs fs_;
};

TEST_F(Tasks, AffinityIsSetAndPutBack) {
  const std::vector<int> all = allowed_cpus();
  on_a_thread([&](int tid) {
    {
      RestoreLog log(fs_);
      const Outcome outcome = set_affinity(log, tid, {all.front()});
      EXPECT_TRUE(outcome.ok()) << outcome.reason;
      EXPECT_EQ(allowed_cpus(), std::vector<int>{all.front()});
      EXPECT_EQ(set_affinity(log, tid, {8000}).error, EINVAL);
    }
    EXPECT_EQ(allowed_cpus(), all);
  });
}

TEST_F(Tasks, NiceIsOfTheThread) {
  on_a_thread([&](int tid) {
    RestoreLog log(fs_);
    const Outcome outcome = set_nice(log, tid, 7);
    EXPECT_TRUE(outcome.ok()) << outcome.reason;
    EXPECT_EQ(::getpriority(PRIO_PROCESS, static_cast<id_t>(tid)), 7);
    EXPECT_EQ(set_nice(log, tid, 20).error, EINVAL);
  });
  EXPECT_NE(::getpriority(PRIO_PROCESS, static_cast<id_t>(::getpid())), 7);
}

TEST_F(Tasks, ClampsOrAReasonWhyNot) {
  on_a_thread([&](int tid) {
    RestoreLog log(fs_);
    const Outcome outcome = set_clamps(log, tid, 512, 800);
    if (outcome.ok()) {
      EXPECT_EQ(outcome.now, "512 800");
    } else {
      EXPECT_EQ(outcome.error, EOPNOTSUPP);
      EXPECT_NE(outcome.reason.find("CONFIG_UCLAMP_TASK"), std::string::npos) << outcome.reason;
    }
    EXPECT_EQ(set_clamps(log, tid, 800, 512).error, EINVAL);
  });
}

TEST_F(Tasks, AThreadThatEndedIsSaidSo) {
  int ended = 0;
  on_a_thread([&](int tid) { ended = tid; });
  RestoreLog log(fs_);
  EXPECT_EQ(set_nice(log, ended, 5).error, ESRCH);
}

TEST_F(Tasks, AnotherThreadOfThatNumberIsNotTouched) {
  on_a_thread([&](int tid) {
    const std::string path = task_path(fs_, tid, "nice");
    EXPECT_NE(path.find('.'), std::string::npos) << path;
    const std::string other = fmt::format("/task/{}.1/nice", tid);  // started with the machine: not this one
    EXPECT_EQ(fs_.read(other).error, ESRCH);
    EXPECT_EQ(fs_.write(other, "5"), ESRCH);
  });
}

TEST_F(Tasks, KnobsSayWhatThisKernelHas) {
  const auto knobs = task_knobs(fs_);
  ASSERT_EQ(knobs.size(), 3u);
  EXPECT_TRUE(knobs[0].supported && knobs[2].supported);
  for (const Knob& knob : knobs) EXPECT_NE(knob.supported, !knob.reason.empty()) << knob.name;
  EXPECT_NE(task_knobs(FaultyFs())[0].reason.find("another machine"), std::string::npos);
}

TEST(TaskFaults, RefusalsAreExplained) {
  FaultyFs fs;
  fs.put("/task/5/affinity", {"0-3"});
  RestoreLog log(fs);
  fs.write_errors["/task/5/affinity"] = EPERM;
  EXPECT_NE(set_affinity(log, 5, {1}).reason.find("CAP_SYS_NICE"), std::string::npos);
  fs.write_errors["/task/5/affinity"] = EINVAL;
  EXPECT_NE(set_affinity(log, 5, {1}).reason.find("cpuset"), std::string::npos);
  fs.write_errors.clear();
  EXPECT_EQ(set_affinity(log, 5, {1}).now, "1");
}

}  // namespace
}  // namespace limber
