// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/clock_domain.h"

#include <gtest/gtest.h>

#include "platform/linux/faulty_fs.h"

namespace limber {
namespace {

class Clocks : public testing::Test {
 protected:
  Clocks() : fs_(FaultyFs::board("odroid-xu3")) {
    for (const char* policy : {"policy0", "policy4"}) fs_.act_as_cpufreq(kRoot + policy);
  }
  ClockDomain big() { return ClockDomain::find_cpus(fs_)[1]; }
  std::string value(const std::string& name) { return fs_.read(kRoot + "policy4/" + name).text; }

  const std::string kRoot = "/sys/devices/system/cpu/cpufreq/";
  FaultyFs fs_;
};

TEST_F(Clocks, PoliciesAreFoundByTheirCpus) {
  const auto domains = ClockDomain::find_cpus(fs_);
  ASSERT_EQ(domains.size(), 2u);
  EXPECT_EQ(domains[1].cpus(), (std::vector<int>{4, 5, 6, 7}));
  EXPECT_EQ(domains[1].khz().size(), 19u);
  EXPECT_TRUE(domains[1].steps_listed());
  EXPECT_EQ(domains[1].found_limits(), (ClockLimits{200000, 2000000}));
  EXPECT_TRUE(domains[1].knob(fs_).writable);
}

TEST_F(Clocks, BusesAreNoGpus) {
  const auto gpus = ClockDomain::find_gpus(fs_);
  ASSERT_EQ(gpus.size(), 1u);
  EXPECT_EQ(gpus[0].name(), "11800000.gpu");
  EXPECT_EQ(gpus[0].khz().front(), 177000) << "files say Hz";
}

TEST_F(Clocks, OldKernelsHaveOneFolderForEachCpu) {
  FaultyFs old;
  for (int cpu = 0; cpu < 4; ++cpu) {
    const std::string folder = "/sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/cpufreq/";
    old.put(folder + "related_cpus", {cpu < 2 ? "0 1" : "2 3"});
    old.put(folder + "scaling_available_frequencies", {"300000 100000 200000"});
  }
  const auto domains = ClockDomain::find_cpus(old);
  ASSERT_EQ(domains.size(), 2u);
  EXPECT_EQ(domains[1].cpus(), (std::vector<int>{2, 3}));
  EXPECT_EQ(domains[1].khz(), (std::vector<int64_t>{100000, 200000, 300000}));
}

// Whatever limits hold and whatever is asked for: the lower one is never above the upper one on the way.
TEST_F(Clocks, LimitsAreSetInTheOrderThatTheKernelTakes) {
  const std::vector<ClockLimits> all = {
      {200000, 400000}, {200000, 2000000}, {600000, 600000}, {1800000, 2000000}, {400000, 1800000}};
  RestoreLog log(fs_);
  const ClockDomain domain = big();
  for (const ClockLimits& from : all) {
    for (const ClockLimits& to : all) {
      ASSERT_TRUE(domain.set_limits(log, from).ok());
      const Outcome outcome = domain.set_limits(log, to);
      EXPECT_TRUE(outcome.ok()) << from.low << ".." << from.high << " -> " << to.low << ".." << to.high << ": "
                                << outcome.reason;
      EXPECT_EQ(domain.limits(fs_), to);
    }
  }
}

// The governor stays: to change it takes the kernel longer than a frame.
TEST_F(Clocks, AFixedPointIsBothLimits) {
  RestoreLog log(fs_);
  const Outcome outcome = big().set_fixed(log, 1200000);
  EXPECT_TRUE(outcome.ok()) << outcome.reason;
  EXPECT_EQ(outcome.now, "1200000..1200000 kHz");
  EXPECT_EQ(value("scaling_governor"), "schedutil");
  EXPECT_EQ(value("scaling_min_freq"), "1200000");
  EXPECT_TRUE(log.restore().left.empty());
  EXPECT_EQ(value("scaling_min_freq"), "200000");
  EXPECT_EQ(value("scaling_max_freq"), "2000000");
}

TEST_F(Clocks, TheKernelsRoundingIsReported) {
  RestoreLog log(fs_);
  EXPECT_EQ(big().set_fixed(log, 1250000).now, "1300000..1300000 kHz");
  EXPECT_EQ(big().set_limits(log, {1010000, 1490000}).now, "1100000..1500000 kHz");
}

TEST_F(Clocks, AFixedPointIsNotClampedByAnEarlierOrder) {
  RestoreLog log(fs_);
  const ClockDomain domain = big();
  ASSERT_TRUE(domain.set_at_least(log, 1800000).ok());
  EXPECT_EQ(value("scaling_min_freq"), "1800000");
  EXPECT_EQ(domain.set_fixed(log, 600000).now, "600000..600000 kHz");
}

TEST_F(Clocks, AsFoundUndoesEveryOrder) {
  RestoreLog log(fs_);
  const ClockDomain domain = big();
  domain.set_fixed(log, 1200000);
  domain.set_at_least(log, 1800000);
  EXPECT_EQ(value("scaling_governor"), "schedutil");
  domain.set_limits(log, {600000, 600000});
  EXPECT_TRUE(domain.as_found(log).ok());
  EXPECT_EQ(domain.limits(fs_), domain.found_limits());
}

TEST_F(Clocks, AnUnknownGovernorNamesThoseThereAre) {
  RestoreLog log(fs_);
  const Outcome outcome = big().set_governor(log, "turbo");
  EXPECT_EQ(outcome.error, EINVAL);
  EXPECT_NE(outcome.reason.find("schedutil"), std::string::npos) << outcome.reason;
}

TEST_F(Clocks, APolicyThatVanishesBetweenTwoWrites) {
  const ClockDomain domain = big();
  RestoreLog log(fs_);
  fs_.before_write = [this](const std::string& path) {
    if (path.find("scaling_max_freq") != std::string::npos) fs_.erase(kRoot + "policy4");
  };
  const Outcome outcome = domain.set_fixed(log, 1200000);
  EXPECT_EQ(outcome.error, ENOENT);
  EXPECT_NE(outcome.reason.find("not there"), std::string::npos) << outcome.reason;
  EXPECT_EQ(domain.limits(fs_), ClockLimits{});
  EXPECT_EQ(domain.set_at_least(log, 800000).error, ENOENT);
  const auto report = log.restore();
  EXPECT_TRUE(report.left.empty());
}

TEST_F(Clocks, WithoutRightsTheKnobSaysWhatToDo) {
  fs_.put(kRoot + "policy4/scaling_max_freq", {"2000000", 0, false});
  const Knob knob = big().knob(fs_);
  EXPECT_TRUE(knob.supported);
  EXPECT_FALSE(knob.writable);
  EXPECT_NE(knob.reason.find("run as root"), std::string::npos);
}

}  // namespace
}  // namespace limber
