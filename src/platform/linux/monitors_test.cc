// SPDX-License-Identifier: Apache-2.0
// Temperatures, cooling, pressure, load: what is read of them, and of what is broken.
#include <fmt/core.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "platform/clock.h"
#include "platform/linux/cpu_load.h"
#include "platform/linux/faulty_fs.h"
#include "platform/linux/other_managers.h"
#include "platform/linux/pressure.h"
#include "platform/linux/real_fs.h"
#include "platform/linux/thermal.h"
#include "platform/machine.h"

namespace limber {
namespace {

TEST(Thermal, JetsonsConstantAndOffSensorsAreIgnored) {
  FaultyFs fs = FaultyFs::board("jetson-xavier-nx");
  std::vector<std::string> read;
  for (const ThermalZone& zone : find_thermal_zones(fs))
    if (read_celsius(fs, zone)) read.push_back(zone.type);
  EXPECT_EQ(read, (std::vector<std::string>{"CPU-therm", "AUX-therm", "AO-therm"}));
}

struct Reading {
  const char* text;
  int error;
  double celsius;  // below -273: none
};
class Temperatures : public testing::TestWithParam<Reading> {};
TEST_P(Temperatures, AreReadOrLeftOut) {
  FaultyFs fs;
  fs.put("/z/temp", {GetParam().text, GetParam().error});
  const auto celsius = read_celsius(fs, {"cpu", "/z"});
  EXPECT_NEAR(celsius.value_or(-300), GetParam().celsius, 1e-9);
}
INSTANTIATE_TEST_SUITE_P(All, Temperatures,
                         testing::Values(Reading{"45500", 0, 45.5}, Reading{"61", 0, 61}, Reading{"-256000", 0, -300},
                                         Reading{"0", 0, -300}, Reading{"200000", 0, -300}, Reading{"hot", 0, -300},
                                         Reading{"", EAGAIN, -300}, Reading{"", EINVAL, -300},
                                         Reading{"", ENODATA, -300}));

TEST(Thermal, FansDoNotSlowDown) {
  FaultyFs fs = FaultyFs::board("raspberry-pi-5");
  EXPECT_TRUE(read_cooling(fs).empty());
  EXPECT_EQ(read_cooling(FaultyFs::board("odroid-xu3")).size(), 2u);
}

TEST(Thermal, ThrottleFlags) {
  const auto flags = parse_throttled("throttled=0x50005\n");
  ASSERT_TRUE(flags);
  EXPECT_TRUE(flags->under_voltage && flags->throttled && flags->ever);
  EXPECT_FALSE(flags->capped || flags->soft_limit);
  EXPECT_FALSE(parse_throttled("throttled=0x0")->ever);
  EXPECT_FALSE(parse_throttled("error=1"));
  EXPECT_FALSE(parse_throttled("throttled="));
}

TEST(PressureTest, BothForms) {
  const auto pressure = parse_pressure(
      "some avg10=0.73 avg60=0.50 avg300=5.41 total=12996360264\nfull avg10=0.10 avg60=0.00 avg300=0.00 total=7");
  ASSERT_TRUE(pressure);
  EXPECT_DOUBLE_EQ(pressure->some.avg10, 0.73);
  EXPECT_EQ(pressure->some.total_us, 12996360264);
  EXPECT_EQ(pressure->full.total_us, 7);
  EXPECT_TRUE(parse_pressure("some avg10=1 avg60=0 avg300=0 total=1"));
  for (const char* wrong :
       {"", "some", "some avg10=x avg60=0 avg300=0 total=1", "full avg10=1 avg60=0 avg300=0 total=1"})
    EXPECT_FALSE(parse_pressure(wrong)) << wrong;
}

TEST(PressureTest, SwitchedOffSaysHowToSwitchItOn) {
  FaultyFs fs;
  for (const Monitor& monitor : pressure_monitors(fs)) {
    EXPECT_FALSE(monitor.supported);
    EXPECT_NE(monitor.reason.find("psi=1"), std::string::npos);
  }
}

class Load : public testing::Test {
 protected:
  void stat(int busy0, int busy1, int all) {
    fs_.put("/proc/stat",
            {fmt::format("cpu  1 2 3 4 5 6 7 8 0 0\ncpu0 {} 0 0 {} 0 0 0 0 0 0\ncpu1 {} 0 0 {} 0 0 0 0 0 0\nintr 5",
                         busy0, all - busy0, busy1, all - busy1)});
  }
  void thread(int tid, int user, int system, int cpu) {
    std::string tail;
    for (int field = 16; field <= 38; ++field) tail += " 0";
    fs_.put(fmt::format("/proc/10/task/{}/stat", tid),
            {fmt::format("{} (odd) name) S 1 1 1 0 -1 0 0 0 0 0 {} {}{} {} 0 0", tid, user, system, tail, cpu)});
  }
  FaultyFs fs_;
  CpuLoad load_;
};

TEST_F(Load, OthersIsWhatIsBusyWithoutOurs) {
  load_.set_own({10});
  stat(0, 0, 0);
  thread(10, 0, 0, 0);
  thread(11, 0, 0, 1);
  load_.sample(fs_, 0);
  stat(80, 50, 100);
  thread(10, 25, 5, 0);
  thread(11, 50, 0, 1);
  load_.sample(fs_, 1'000'000'000);
  EXPECT_NEAR(load_.busy(0), 0.8, 1e-9);
  EXPECT_NEAR(load_.others(0), 0.5, 1e-9);
  EXPECT_NEAR(load_.others(1), 0.0, 1e-9);
  EXPECT_EQ(load_.others(7), 0);
}

TEST_F(Load, AThreadThatMovedIsNotTakenForAnother) {
  load_.set_own({10});
  stat(0, 0, 0);
  thread(10, 0, 0, 0);
  load_.sample(fs_, 0);
  stat(50, 50, 100);      // half its time on each
  thread(10, 100, 0, 1);  // but seen on CPU 1
  load_.sample(fs_, 1'000'000'000);
  EXPECT_NEAR(load_.others(0) + load_.others(1), 0, 1e-9);
}

TEST_F(Load, TheWindowIsASecondAndThreadsMayEnd) {
  load_.set_own({10});
  for (int i = 0; i <= 30; ++i) {  // idle for 2 s, then CPU 0 busy with others
    stat(i < 20 ? 0 : (i - 20) * 10, 0, i * 10);
    if (i < 25) thread(10, 3, 0, 1);
    if (i == 25) fs_.erase("/proc/10");
    load_.sample(fs_, i * 100'000'000LL);
  }
  EXPECT_NEAR(load_.others(0), 1, 1e-9);
}

TEST_F(Load, SingleThreadsOfOthersProcesses) {
  const auto both = [this](int ticks) {
    thread(11, ticks, 0, 1);  // as thread 11 of process 10, and under its own number
    fs_.put("/proc/11/task/11/stat", {fs_.read("/proc/10/task/11/stat").text});
  };
  load_.set_own({10}, {11});
  stat(0, 0, 0);
  both(0);
  load_.sample(fs_, 0);
  stat(0, 60, 100);
  both(20);
  load_.sample(fs_, 1'000'000'000);
  EXPECT_NEAR(load_.others(1), 0.4, 1e-9) << "counted once";
  load_.set_own({}, {11});
  stat(0, 120, 200);
  both(40);
  load_.sample(fs_, 2'000'000'000);
  EXPECT_NEAR(load_.others(1), 0.4, 1e-9);
}

// A thread of this process keeps one CPU busy: with it named ours, that is not others'.
TEST(LoadOfThisMachine, OurOwnThreadIsNotOthers) {
  RealFs fs;
  const std::vector<int> cpus = allowed_cpus();
  std::atomic<bool> stop{false};
  std::thread worker([&] {
    pin_thread({cpus.back()});
    while (!stop) {
    }
  });
  CpuLoad ours, all;
  ours.set_own({static_cast<int>(::getpid())});
  for (int look = 0; look < 2; ++look) {
    ours.sample(fs, now_ns());
    all.sample(fs, now_ns());
    if (look == 0) std::this_thread::sleep_for(std::chrono::milliseconds(700));
  }
  stop = true;
  worker.join();
  EXPECT_GT(all.others(cpus.back()), 0.5) << "at least half of a CPU in use, whoever else is there";
  EXPECT_LT(ours.others(cpus.back()), all.others(cpus.back()) - 0.03);
}

TEST_F(Load, NoStatIsNoLoad) {
  load_.sample(fs_, 0);
  load_.sample(fs_, 1'000'000'000);
  EXPECT_EQ(load_.busy(0), 0);
}

TEST(OtherManagers, AreFoundByNameAndByPidFile) {
  FaultyFs fs = FaultyFs::board("intel-laptop");
  auto managers = find_other_managers(fs);
  ASSERT_EQ(managers.size(), 2u);
  EXPECT_EQ(managers[0].name, "power-profiles-daemon");
  EXPECT_TRUE(managers[0].owns_clocks);
  EXPECT_EQ(managers[1].name, "thermald");
  EXPECT_FALSE(managers[1].owns_clocks);
  fs.erase("/proc/812");
  fs.put("/run/tuned/tuned.pid", {"990"});
  EXPECT_EQ(find_other_managers(fs).size(), 1u) << "its process is gone";
  fs.put("/proc/990/comm", {"python3"});
  EXPECT_EQ(find_other_managers(fs)[0].name, "tuned");
  managers = find_other_managers(FaultyFs::board("jetson-xavier-nx"));
  ASSERT_EQ(managers.size(), 1u);
  EXPECT_NE(managers[0].what.find("pmode:0002"), std::string::npos);
}

}  // namespace
}  // namespace limber
