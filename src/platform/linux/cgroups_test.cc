// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/cgroups.h"

#include <fmt/core.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "platform/linux/faulty_fs.h"
#include "platform/linux/pressure.h"
#include "platform/linux/real_fs.h"

namespace limber {
namespace {

using Controller = Cgroups::Controller;

// Gives new groups their files, as the kernel does.
class GroupFs : public FaultyFs {
 public:
  explicit GroupFs(FaultyFs fs) : FaultyFs(std::move(fs)) {}
  int make_directory(const std::string& path) override {
    const int error = FaultyFs::make_directory(path);
    if (error != 0) return error;
    for (const char* name : {"cpu.weight", "cpu.max", "cpu.shares", "cpu.cfs_quota_us", "cpu.cfs_period_us",
                             "cpuset.cpus", "cpuset.mems", "cgroup.procs"})
      put(path + "/" + name, {""});
    return 0;
  }
  int remove_directory(const std::string& path) override {
    if (!exists(path)) return ENOENT;
    if (!read(path + "/cgroup.procs").text.empty()) return EBUSY;
    erase(path);
    return 0;
  }
};

TEST(CgroupsTest, Version2) {
  GroupFs fs(FaultyFs::board("odroid-xu3"));
  Cgroups groups(fs);
  EXPECT_EQ(groups.version(Controller::kWeight), 2);
  EXPECT_TRUE(groups.knob(Controller::kCpus).writable);
  const std::string group = "/sys/fs/cgroup/limber-camera";
  {
    RestoreLog log(fs);
    EXPECT_EQ(groups.set_weight(log, "camera", 50).error, ENOENT) << "it must be made first";
    ASSERT_TRUE(groups.create(log, "camera").ok());
    EXPECT_EQ(fs.read("/sys/fs/cgroup/cgroup.subtree_control").text, "+cpuset") << "cpu was handed down already";
    EXPECT_TRUE(groups.set_weight(log, "camera", 50).ok());
    EXPECT_TRUE(groups.set_quota(log, "camera", 1.5, 10).ok());
    EXPECT_TRUE(groups.set_cpus(log, "camera", {4, 5, 6}).ok());
    EXPECT_EQ(fs.read(group + "/cpu.weight").text, "50");
    EXPECT_EQ(fs.read(group + "/cpu.max").text, "15000 10000");
    EXPECT_EQ(fs.read(group + "/cpuset.cpus").text, "4-6");
    EXPECT_TRUE(groups.set_quota(log, "camera", -1).ok());
    EXPECT_EQ(fs.read(group + "/cpu.max").text, "max 10000");
    fs.put(group + "/cpu.pressure", {"some avg10=12.50 avg60=0.00 avg300=0.00 total=9"});
    EXPECT_DOUBLE_EQ(read_pressure(fs, "cpu", groups.folder(Controller::kWeight, "camera"))->some.avg10, 12.5);
    EXPECT_TRUE(groups.add_process(log, "camera", 2).ok());
    EXPECT_EQ(fs.read(group + "/cgroup.procs").text, "2");
    fs.before_write = [&](const std::string& path) {  // the kernel moves it
      if (path == "/sys/fs/cgroup/cgroup.procs") fs.put(group + "/cgroup.procs", {""});
    };
    EXPECT_EQ(log.restore().restored, 2);
  }
  EXPECT_FALSE(fs.exists(group));
  EXPECT_EQ(fs.writes.back(), (std::pair<std::string, std::string>("/sys/fs/cgroup/cgroup.procs", "2")));
}

TEST(CgroupsTest, Version1OfOldJetsons) {
  GroupFs fs(FaultyFs::board("jetson-xavier-nx"));
  Cgroups groups(fs);
  EXPECT_EQ(groups.version(Controller::kWeight), 1);
  EXPECT_EQ(groups.version(Controller::kCpus), 1);
  RestoreLog log(fs);
  ASSERT_TRUE(groups.create(log, "camera").ok());
  EXPECT_EQ(fs.read("/sys/fs/cgroup/cpuset/limber-camera/cpuset.mems").text, "0");
  EXPECT_TRUE(groups.set_weight(log, "camera", 100).ok());
  EXPECT_EQ(fs.read("/sys/fs/cgroup/cpu,cpuacct/limber-camera/cpu.shares").text, "1024");
  EXPECT_TRUE(groups.set_quota(log, "camera", 0.5, 20).ok());
  EXPECT_EQ(fs.read("/sys/fs/cgroup/cpu,cpuacct/limber-camera/cpu.cfs_quota_us").text, "10000");
}

TEST(CgroupsTest, WhatIsMissingIsSaid) {
  const FaultyFs vm = FaultyFs::board("bare-vm");
  EXPECT_NE(Cgroups(vm).knob(Controller::kWeight).reason.find("Delegate=yes"), std::string::npos);
  EXPECT_EQ(Cgroups(FaultyFs()).knob(Controller::kQuota).reason, "no control groups in /sys/fs/cgroup");

  FaultyFs foreign = FaultyFs::board("intel-laptop");  // another user's
  foreign.put("/sys/fs/cgroup/cgroup.subtree_control", {"", 0, false});
  const Knob knob = Cgroups(foreign).knob(Controller::kWeight);
  EXPECT_TRUE(knob.supported);
  EXPECT_FALSE(knob.writable);
  EXPECT_NE(knob.reason.find("not this user's"), std::string::npos) << knob.reason;

  FaultyFs full = FaultyFs::board("intel-laptop");  // a group that holds processes hands nothing down
  full.put("/proc/self/cgroup", {"0::/app"});
  full.put("/sys/fs/cgroup/app/cgroup.controllers", {"cpu"});
  full.put("/sys/fs/cgroup/app/cgroup.subtree_control", {""});
  full.put("/sys/fs/cgroup/app/cgroup.procs", {"77"});
  EXPECT_NE(Cgroups(full).knob(Controller::kWeight).reason.find("holds processes"), std::string::npos);
}

TEST(CgroupsTest, TheKernelsRefusalIsPassedOn) {
  GroupFs fs(FaultyFs::board("intel-laptop"));
  fs.put("/sys/fs/cgroup/cgroup.subtree_control", {""});
  fs.write_errors["/sys/fs/cgroup/cgroup.subtree_control"] = EBUSY;
  Cgroups groups(fs);
  RestoreLog log(fs);
  EXPECT_EQ(groups.create(log, "camera").error, EBUSY);
  EXPECT_EQ(groups.set_weight(log, "camera", 0).error, EINVAL);
  EXPECT_EQ(groups.set_quota(log, "camera", 0.01, 10).error, EINVAL) << "below a millisecond";
  EXPECT_THROW(groups.create(log, "../up"), Error);
}

// The kernel's own groups, where this user may make some.
TEST(CgroupsTest, OnThisMachine) {
  RealFs fs;
  Cgroups groups(fs);
  for (const Controller needed : {Controller::kWeight, Controller::kQuota}) {
    if (!groups.knob(needed).writable) GTEST_SKIP() << groups.knob(needed).reason;
  }
  const std::string name = fmt::format("test-{}", ::getpid());
  const pid_t child = ::fork();
  if (child == 0)
    for (;;) ::pause();
  RestoreLog log(fs);
  Outcome outcome = groups.add_process(log, name, child);
  EXPECT_TRUE(outcome.ok()) << outcome.reason;
  outcome = groups.set_weight(log, name, 50);
  EXPECT_TRUE(outcome.ok()) << outcome.reason;
  EXPECT_TRUE(outcome.now == "50" || outcome.now == "512") << outcome.now;
  outcome = groups.set_quota(log, name, 0.5, 20);
  EXPECT_TRUE(outcome.ok()) << outcome.reason;
  EXPECT_TRUE(outcome.now == "10000 20000" || outcome.now == "10000") << outcome.now;
  if (groups.knob(Controller::kCpus).writable) {
    EXPECT_TRUE(groups.set_cpus(log, name, {0}).ok());
  }
  const std::string where = fmt::format("/proc/{}/cgroup", child);
  EXPECT_NE(fs.read(where).text.find("limber-" + name), std::string::npos);
  const auto report = log.restore();
  EXPECT_TRUE(report.left.empty()) << report.left[0];
  EXPECT_EQ(fs.read(where).text.find("limber-" + name), std::string::npos);
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
}

}  // namespace
}  // namespace limber
