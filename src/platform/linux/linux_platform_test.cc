// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/linux_platform.h"

#include <filesystem>

#include "base/error.h"
#include "base/test_folder.h"
#include "platform/linux/faulty_fs.h"
#include "platform/linux/real_fs.h"

namespace limber {
namespace {

using Kind = ClockRequest::Kind;
const std::string kPolicies = "/sys/devices/system/cpu/cpufreq/";

class Xu3 : public FolderTest {
 protected:
  Xu3() : fs_(FaultyFs::board("odroid-xu3")) {
    for (const char* policy : {"policy0", "policy4"}) fs_.act_as_cpufreq(kPolicies + policy);
  }
  std::string text(const std::string& name) { return fs_.read(kPolicies + name).text; }
  FaultyFs fs_;
};

TEST_F(Xu3, EveryOrderOfAPolicyCanBeCarriedOut) {
  LinuxPlatform platform(fs_);
  EXPECT_TRUE(platform.set_clock(1, {Kind::kFixed, "", 10}).ok());
  EXPECT_EQ(text("policy4/scaling_min_freq"), "1200000");
  EXPECT_TRUE(platform.set_clock(1, {Kind::kAtLeast, "", 6}).ok());
  EXPECT_EQ(text("policy4/scaling_governor"), "schedutil");
  EXPECT_EQ(text("policy4/scaling_min_freq"), "800000");
  EXPECT_TRUE(platform.set_clock(1, {Kind::kGovernor, "performance", 0}).ok());
  EXPECT_EQ(text("policy4/scaling_governor"), "performance");
  EXPECT_EQ(text("policy4/scaling_min_freq"), "200000");
  EXPECT_TRUE(platform.set_clock(1, {}).ok());
  EXPECT_EQ(text("policy4/scaling_governor"), "schedutil");
  EXPECT_EQ(text("policy0/scaling_min_freq"), "200000") << "the other cluster is untouched";
  EXPECT_THROW(platform.set_clock(9, {}), Error);
  EXPECT_THROW(platform.set_clock(1, {Kind::kFixed, "", 19}), Error);
}

TEST_F(Xu3, HeatTakesPointsAway) {
  LinuxPlatform platform(fs_);
  EXPECT_EQ(platform.view(0).processors[1].highest, 18u);
  fs_.put(kPolicies + "policy4/scaling_max_freq", {"1500000"});
  fs_.put("/sys/class/thermal/cooling_device2/cur_state", {"5"});
  fs_.put("/sys/class/thermal/thermal_zone2/temp", {"91000"});
  const PlatformView view = platform.view(0);
  EXPECT_EQ(view.processors[1].highest, 13u);
  EXPECT_EQ(view.processors[0].highest, 12u);
  EXPECT_TRUE(view.throttled);
  EXPECT_DOUBLE_EQ(view.celsius, 91);
  EXPECT_NEAR(view.power_w, 1.868, 1e-9);
  EXPECT_DOUBLE_EQ(view.cpu_pressure, 1.25);
  EXPECT_EQ(view.processors[1].others.size(), 4u);
}

TEST_F(Xu3, AStartWhileItIsHotDoesNotTakeHeatsLimitForTheUsers) {
  const std::string high = kPolicies + "policy4/scaling_max_freq",
                    state = "/sys/class/thermal/cooling_device2/cur_state";
  fs_.put(high, {"1500000"});
  fs_.put(state, {"5"});
  {
    LinuxPlatform platform(fs_);
    EXPECT_EQ(platform.view(0).processors[1].highest, 13u);
    fs_.put(high, {"2000000"});  // cooler
    fs_.put(state, {"0"});
    EXPECT_EQ(platform.view(0).processors[1].highest, 18u);
    fs_.put(high, {"1500000"});  // and hot again, while it is set
    EXPECT_TRUE(platform.set_clock(1, {Kind::kAtLeast, "", 4}).ok());
  }
  EXPECT_EQ(fs_.read(high).text, "2000000") << "not 1500000 for ever";
}

TEST_F(Xu3, OurOwnUpperLimitIsNoHeat) {
  fs_.put(kPolicies + "policy4/scaling_available_governors", {"performance schedutil"});
  LinuxPlatform platform(fs_);
  ASSERT_TRUE(platform.set_clock(1, {Kind::kFixed, "", 4}).ok());
  EXPECT_EQ(text("policy4/scaling_max_freq"), "600000");
  EXPECT_EQ(platform.view(0).processors[1].highest, 18u);
  fs_.put(kPolicies + "policy4/scaling_max_freq", {"400000"});
  EXPECT_EQ(platform.view(0).processors[1].highest, 2u);
}

TEST_F(Xu3, AClusterThatIsSwitchedOffIsNotAvailable) {
  LinuxPlatform platform(fs_);
  fs_.put("/sys/devices/system/cpu/online", {"0-3"});
  fs_.erase(kPolicies + "policy4");
  const PlatformView view = platform.view(0);
  EXPECT_TRUE(view.processors[0].available);
  EXPECT_FALSE(view.processors[1].available);
  EXPECT_DOUBLE_EQ(view.processors[1].others[0], 1);
  EXPECT_EQ(platform.set_clock(1, {Kind::kFixed, "", 4}).error, ENOENT);
}

TEST_F(Xu3, ASuccessorStartsFromWhatTheUserHad) {
  const std::string state = path("state");
  LinuxPlatformOptions options;
  options.state_file = state;
  {
    auto first = std::make_unique<LinuxPlatform>(fs_, options);
    ASSERT_TRUE(first->set_clock(1, {Kind::kFixed, "", 4}).ok());
    std::filesystem::copy(state, path("kept"));
  }
  // As if it had been killed: its settings hold, its file is there.
  for (const char* limit : {"policy4/scaling_min_freq", "policy4/scaling_max_freq"})
    fs_.put(kPolicies + limit, {"600000"});
  std::string left = slurp(path("kept"));
  left.replace(left.find("\"start\": \""), 10, "\"start\": \"no");
  left.replace(left.find("\"pid\": "), 7, "\"pid\": 1");
  put("state", left);
  LinuxPlatform second(fs_, options);
  EXPECT_EQ(second.taken_over().restored, 2);
  EXPECT_EQ(second.processors()[1].domains[0].found_limits(), (ClockLimits{200000, 2000000}));
}

TEST(Platform, AJetsonStaysWithinItsPowerMode) {
  FaultyFs fs = FaultyFs::board("jetson-xavier-nx");
  for (const char* policy : {"policy0", "policy2", "policy4"}) {
    fs.put(kPolicies + policy + "/scaling_max_freq", {"1420800"});
    fs.act_as_cpufreq(kPolicies + policy);
  }
  LinuxPlatform platform(fs);
  EXPECT_EQ(platform.view(0).processors[0].highest, 17u);
  EXPECT_EQ(platform.set_clock(0, {Kind::kFixed, "", 24}).now, "1420800..1420800 kHz");
  EXPECT_EQ(platform.set_clock(3, {Kind::kAtLeast, "", 5}).error, 0);
  EXPECT_EQ(fs.read("/sys/class/devfreq/17000000.gv11b/min_freq").text, "599250000") << "devfreq counts in Hz";
}

TEST(Platform, ALaptopsClocksBelongToItsProfilesDaemon) {
  FaultyFs fs = FaultyFs::board("intel-laptop");
  {
    LinuxPlatform platform(fs);
    const Outcome outcome = platform.set_clock(0, {Kind::kFixed, "", 1});
    EXPECT_EQ(outcome.error, EBUSY);
    EXPECT_NE(outcome.reason.find("systemctl stop power-profiles-daemon"), std::string::npos);
    const Knob knob = platform.knobs()[0];
    EXPECT_TRUE(knob.supported);
    EXPECT_FALSE(knob.writable);
    EXPECT_NE(knob.reason.find("power-profiles-daemon owns it"), std::string::npos);
    EXPECT_TRUE(fs.writes.empty());
  }
  LinuxPlatformOptions options;
  options.despite_managers = true;
  LinuxPlatform platform(fs, options);
  EXPECT_TRUE(platform.set_clock(1, {Kind::kFixed, "", 0}).ok());
  for (const char* policy : {"policy2", "policy3", "policy4", "policy5"})
    EXPECT_EQ(fs.read(kPolicies + policy + "/scaling_max_freq").text, "400000") << policy;
  EXPECT_EQ(fs.read(kPolicies + "policy0/scaling_max_freq").text, "4600000");
}

class AnyBoard : public testing::TestWithParam<const char*> {};

TEST_P(AnyBoard, TellsOfEverythingWhatItIsOrWhyNot) {
  FaultyFs fs = FaultyFs::board(GetParam());
  LinuxPlatform platform(fs);
  for (const Knob& knob : platform.knobs()) {
    EXPECT_EQ(knob.supported && knob.writable, knob.reason.empty()) << knob.name << ": " << knob.reason;
    EXPECT_TRUE(!knob.supported || !knob.range.empty()) << knob.name;
  }
  platform.monitors(0);
  fs.put("/sys/class/powercap/intel-rapl:0/energy_uj", {"6000000"});
  for (const Monitor& monitor : platform.monitors(1'000'000'000))
    EXPECT_NE(monitor.supported, monitor.now.empty()) << monitor.name << ": " << monitor.reason;
}
INSTANTIATE_TEST_SUITE_P(All, AnyBoard,
                         testing::Values("odroid-xu3", "jetson-xavier-nx", "jetson-nano", "raspberry-pi-5",
                                         "intel-laptop", "bare-vm"),
                         [](const auto& test) {
                           std::string name = test.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

TEST(Platform, AMachineWithoutClocksSaysSo) {
  FaultyFs fs = FaultyFs::board("bare-vm");
  LinuxPlatform platform(fs);
  EXPECT_EQ(platform.set_clock(0, {}).error, EOPNOTSUPP);
  EXPECT_NE(platform.knobs()[0].reason.find("virtual machine"), std::string::npos);
  const PlatformView view = platform.view(0);
  EXPECT_LT(view.power_w, 0);
  EXPECT_LT(view.celsius, -273);
  EXPECT_TRUE(view.processors[0].available);
}

TEST(Platform, ThisMachineOfWhateverKind) {
  RealFs fs;
  LinuxPlatform platform(fs);
  EXPECT_FALSE(platform.processors().empty());
  EXPECT_FALSE(platform.knobs().empty());
  EXPECT_FALSE(platform.monitors(0).empty());
  EXPECT_FALSE(platform.view(1).processors[0].others.empty());
}

}  // namespace
}  // namespace limber
