// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/restore_log.h"

#include <fmt/core.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "base/cpu_list.h"
#include "base/error.h"
#include "base/test_folder.h"
#include "platform/linux/faulty_fs.h"
#include "platform/linux/real_fs.h"
#include "platform/linux/task_files.h"
#include "platform/linux/task_knobs.h"
#include "platform/machine.h"

namespace limber {
namespace {

class RestoreLogTest : public FolderTest {
 protected:
  RestoreLogTest() {
    for (const char* name : {"/sys/a", "/sys/b", "/sys/c"}) fs_.put(name, {"0"});
  }
  std::string text(const std::string& name) { return fs_.read(name).text; }
  FaultyFs fs_;
};

TEST_F(RestoreLogTest, PutsTheFirstValuesBackInReverseOrder) {
  RestoreLog log(fs_);
  EXPECT_EQ(log.set("/sys/a", "1").now, "1");
  log.set("/sys/b", "2");
  log.set("/sys/a", "3");
  fs_.writes.clear();
  const auto report = log.restore();
  EXPECT_EQ(report.restored, 2);
  EXPECT_TRUE(report.left.empty());
  EXPECT_EQ(fs_.writes, (std::vector<std::pair<std::string, std::string>>{{"/sys/b", "0"}, {"/sys/a", "0"}}));
}

TEST_F(RestoreLogTest, APartIsPutBackAlone) {
  RestoreLog log(fs_);
  log.set("/sys/a", "1");
  log.set("/sys/b", "1");
  log.set("/sys/c", "1");
  EXPECT_EQ(log.restore({"/sys/a", "/sys/c"}).restored, 2);
  EXPECT_EQ(text("/sys/a") + text("/sys/b") + text("/sys/c"), "010");
  EXPECT_EQ(log.size(), 1u);
  EXPECT_EQ(log.restore({"/task/7."}).restored, 0);
  EXPECT_EQ(log.restore().restored, 1);
  EXPECT_EQ(text("/sys/b"), "0");
}

TEST_F(RestoreLogTest, TheDestructorRestores) {
  { RestoreLog(fs_).set("/sys/a", "1"); }
  EXPECT_EQ(text("/sys/a"), "0");
}

TEST_F(RestoreLogTest, WhatOthersSetMeanwhileStays) {
  RestoreLog log(fs_);
  log.set("/sys/a", "1");
  log.set("/sys/b", "1");
  fs_.put("/sys/a", {"9"});
  const auto report = log.restore();
  EXPECT_EQ(text("/sys/a"), "9");
  EXPECT_EQ(text("/sys/b"), "0");
  ASSERT_EQ(report.left.size(), 1u);
  EXPECT_NE(report.left[0].find("/sys/a: is '9' now"), std::string::npos) << report.left[0];
}

TEST_F(RestoreLogTest, AValueThatTheKernelRoundedIsStillOurs) {
  fs_.rules["/sys/a"] = [](std::string& value) { return value == "7" ? (value = "5", 0) : 0; };
  RestoreLog log(fs_);
  const Outcome outcome = log.set("/sys/a", "7");
  EXPECT_TRUE(outcome.ok());
  EXPECT_EQ(outcome.now, "5");
  EXPECT_EQ(log.restore().restored, 1);
  EXPECT_EQ(text("/sys/a"), "0");
}

struct Fault {
  const char* what;
  int error;
  const char* said;
};
class Refusals : public RestoreLogTest, public testing::WithParamInterface<Fault> {};

TEST_P(Refusals, AreDataAndTheRestIsStillRestored) {
  const Fault fault = GetParam();
  fs_.write_errors["/sys/b"] = fault.error;
  RestoreLog log(fs_);
  EXPECT_TRUE(log.set("/sys/a", "1").ok());
  const Outcome outcome = log.set("/sys/b", "1");
  EXPECT_EQ(outcome.error, fault.error);
  EXPECT_EQ(outcome.now, "0");
  EXPECT_NE(outcome.reason.find(fault.said), std::string::npos) << outcome.reason;
  EXPECT_TRUE(log.set("/sys/c", "1").ok());
  EXPECT_EQ(log.size(), 2u) << "what was not changed needs no restoring";
  const auto report = log.restore();
  EXPECT_TRUE(report.left.empty());
  EXPECT_EQ(text("/sys/a") + text("/sys/c"), "00");
}
INSTANTIATE_TEST_SUITE_P(
    All, Refusals,
    testing::Values(Fault{"invalid", EINVAL, "takes no such value"}, Fault{"busy", EBUSY, "busy"},
                    Fault{"rights", EACCES, "run as root"}, Fault{"no call", ENOSYS, "built without it"},
                    Fault{"no feature", EOPNOTSUPP, "built without it"}, Fault{"channel off", ENODATA, "switched off"},
                    Fault{"vanished", ENODEV, "not there"}, Fault{"container", EROFS, "read-only"}),
    [](const auto& test) {
      std::string name = test.param.what;
      std::replace(name.begin(), name.end(), ' ', '_');
      return name;
    });

TEST_F(RestoreLogTest, AFaultInTheMiddleOfRestoringLeavesTheRestRestoredAndIsTriedAgain) {
  RestoreLog log(fs_, path("state"));
  for (const char* name : {"/sys/a", "/sys/b", "/sys/c"}) log.set(name, "1");
  fs_.write_errors["/sys/b"] = EBUSY;
  auto report = log.restore();
  EXPECT_EQ(report.restored, 2);
  ASSERT_EQ(report.left.size(), 1u);
  EXPECT_TRUE(std::filesystem::exists(path("state"))) << "a successor can still do it";
  fs_.write_errors.clear();
  report = log.restore();
  EXPECT_EQ(report.restored, 1);
  EXPECT_EQ(text("/sys/b"), "0");
  EXPECT_FALSE(std::filesystem::exists(path("state")));
}

TEST_F(RestoreLogTest, WhatDependsOnWhatIsRestoredLaterIsTriedAgain) {
  fs_.rules["/sys/b"] = [this](std::string& value) { return value == "0" && text("/sys/a") != "0" ? EINVAL : 0; };
  RestoreLog log(fs_);
  log.set("/sys/a", "1");
  log.set("/sys/b", "1");
  EXPECT_EQ(log.restore().restored, 2);
  EXPECT_EQ(text("/sys/a") + text("/sys/b"), "00");
}

TEST_F(RestoreLogTest, WhatVanishedNeedsNoRestoring) {
  RestoreLog log(fs_);
  log.set("/sys/a", "1");
  log.set("/sys/b", "1");
  fs_.erase("/sys/b");
  const auto report = log.restore();
  EXPECT_EQ(report.restored, 1);
  EXPECT_TRUE(report.left.empty());
  EXPECT_EQ(log.set("/sys/b", "1").error, ENOENT);
}

// The same files on the disk, set by a child that is killed.
class Successor : public RestoreLogTest {
 protected:
  Successor() {
    for (const char* name : {"tree/sys/a", "tree/sys/b"}) put(name, "0");
  }
  // One change, under way when its process was killed.
  void put_state(const std::string& setting, const std::string& boot = "") {
    put("state", fmt::format(R"({{"format":"limber-restore","version":1,"boot":"{}","pid":1,"start":"none","changes":[
          {{"kind":0,"path":"{}","original":"0","ours":"0","pending":true}}]}})",
                             boot.empty() ? RealFs().read("/proc/sys/kernel/random/boot_id").text : boot, setting));
  }
  template <typename Work>
  void killed(Work work) {
    const pid_t child = ::fork();
    if (child == 0) {
      RealFs fs(path("tree"));
      auto* log = new RestoreLog(fs, path("state"));
      work(*log);
      ::kill(::getpid(), SIGKILL);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status));
  }
};

TEST_F(Successor, RestoresWhatAKilledProcessLeft) {
  killed([](RestoreLog& log) {
    log.set("/sys/a", "1");
    log.set("/sys/b", "2");
    log.set("/sys/a", "3");
  });
  RealFs fs(path("tree"));
  EXPECT_EQ(fs.read("/sys/a").text, "3");
  put("tree/sys/b", "9");  // somebody else, in between
  RestoreLog log(fs, path("state"));
  const auto report = log.restore();
  EXPECT_EQ(report.restored, 1);
  EXPECT_EQ(report.left.size(), 1u);
  EXPECT_EQ(fs.read("/sys/a").text, "0");
  EXPECT_EQ(fs.read("/sys/b").text, "9");
  EXPECT_FALSE(std::filesystem::exists(path("state")));
}

TEST_F(Successor, RestoresAChangeThatWasUnderWay) {
  // Killed between the write and the note of what the kernel made of it.
  put_state("/sys/a");
  put("tree/sys/a", "5");
  RealFs fs(path("tree"));
  RestoreLog log(fs, path("state"));
  EXPECT_EQ(log.restore().restored, 1);
  EXPECT_EQ(fs.read("/sys/a").text, "0");
}

// Nothing made up: a thread of another process, the kernel's calls, a manager that is killed.
TEST_F(Successor, RestoresAffinityOfAThreadOfThisMachine) {
  const std::vector<int> all = allowed_cpus();
  if (all.size() < 2) GTEST_SKIP() << "one CPU";
  const pid_t application = ::fork();
  if (application == 0)
    for (;;) ::pause();
  const pid_t manager = ::fork();
  if (manager == 0) {
    RealFs machine;
    auto* log = new RestoreLog(machine, path("state"));
    set_affinity(*log, application, {all[0]});
    ::kill(::getpid(), SIGKILL);
  }
  ::waitpid(manager, nullptr, 0);
  RealFs machine;
  const std::string affinity = task_path(machine, application, "affinity");
  EXPECT_EQ(machine.read(affinity).text, print_cpu_list({all[0]}));
  RestoreLog log(machine, path("state"));
  EXPECT_EQ(log.restore().restored, 1);
  EXPECT_EQ(machine.read(affinity).text, print_cpu_list(all));
  ::kill(application, SIGKILL);
  ::waitpid(application, nullptr, 0);
}

TEST_F(Successor, ForgetsWhatWasBeforeAReboot) {
  put_state("/sys/a", "another boot");
  put("tree/sys/a", "5");
  RealFs fs(path("tree"));
  RestoreLog log(fs, path("state"));
  EXPECT_EQ(log.restore().restored, 0);
  EXPECT_EQ(fs.read("/sys/a").text, "5");
  EXPECT_FALSE(std::filesystem::exists(path("state")));
}

TEST_F(Successor, WritesNothingButSettings) {
  put("tree/etc/passwd", "root");
  for (const char* setting : {"/etc/passwd", "/sys/../etc/passwd"}) {
    put_state(setting);
    RealFs fs(path("tree"));
    EXPECT_THROW(RestoreLog(fs, path("state")), Error) << setting;
    EXPECT_EQ(slurp(path("tree/etc/passwd")), "root");
  }
}

TEST_F(Successor, OfOneThatHasEndedAndWasNotWaitedFor) {
  const pid_t child = ::fork();
  if (child == 0) {
    RealFs fs(path("tree"));
    auto* log = new RestoreLog(fs, path("state"));
    log->set("/sys/a", "1");
    ::kill(::getpid(), SIGKILL);
  }
  siginfo_t ended{};
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(child), &ended, WEXITED | WNOWAIT), 0);
  RealFs fs(path("tree"));
  EXPECT_EQ(RestoreLog(fs, path("state")).restore().restored, 1);
  EXPECT_EQ(fs.read("/sys/a").text, "0");
  ::waitpid(child, nullptr, 0);
}

TEST_F(Successor, IsRefusedWhileTheOtherRuns) {
  const pid_t child = ::fork();
  if (child == 0) {
    RealFs fs(path("tree"));
    auto* log = new RestoreLog(fs, path("state"));
    log->set("/sys/a", "1");
    put("ready", "");
    for (;;) ::pause();
  }
  while (!std::filesystem::exists(path("ready"))) ::usleep(1000);
  RealFs fs(path("tree"));
  try {
    RestoreLog log(fs, path("state"));
    ADD_FAILURE() << "two managers at once";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("still manages"), std::string::npos) << error.what();
  }
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  RestoreLog log(fs, path("state"));
  EXPECT_EQ(log.restore().restored, 1);
}

TEST_F(RestoreLogTest, AForeignStateFileIsRefused) {
  for (const char* wrong : {"", "{}", "[1]", R"({"format":"limber-restore","version":2})",
                            R"({"format":"limber-restore","version":1,"boot":7})"}) {
    put("state", wrong);
    EXPECT_THROW(RestoreLog(fs_, path("state")), Error) << wrong;
    EXPECT_EQ(slurp(path("state")), wrong) << "it may be somebody's file";
  }
}

}  // namespace
}  // namespace limber
