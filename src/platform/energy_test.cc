// SPDX-License-Identifier: Apache-2.0
#include "platform/energy.h"

#include <gtest/gtest.h>

#include "base/test_folder.h"
#include "platform/clock.h"

namespace limber {
namespace {

class Energy : public FolderTest {
 protected:
  void put_zone(const std::string& directory, const std::string& name, const std::string& energy) {
    const std::string zone = "sys/class/powercap/" + directory;
    put(zone + "/name", name + "\n");
    put(zone + "/max_energy_range_uj", "1000000\n");
    if (!energy.empty()) put(zone + "/energy_uj", energy + "\n");
  }
  std::string reason_;
};

TEST_F(Energy, NoSensorIsSaid) {
  EXPECT_FALSE(EnergySensor::find(reason_, "", folder_));
  EXPECT_NE(reason_.find("no sensor"), std::string::npos);
}

TEST_F(Energy, AnUnreadableCounterIsSaid) {
  put_zone("intel-rapl:0", "package-0", "");
  EXPECT_FALSE(EnergySensor::find(reason_, "", folder_));
  EXPECT_NE(reason_.find("root only"), std::string::npos);
}

TEST_F(Energy, SumsPackagesAndSurvivesAWrap) {
  put_zone("intel-rapl:0", "package-0", "999000");
  put_zone("intel-rapl:1", "package-1", "5000");
  put_zone("intel-rapl:0:0", "core", "777");
  auto sensor = EnergySensor::find(reason_, "", folder_);
  ASSERT_TRUE(sensor);
  EXPECT_EQ(sensor->name(), "powercap: package-0, package-1");
  EXPECT_DOUBLE_EQ(sensor->millijoules(), 0);
  put_zone("intel-rapl:0", "package-0", "1000");
  put_zone("intel-rapl:1", "package-1", "8000");
  EXPECT_DOUBLE_EQ(sensor->millijoules(), 2 + 3);
  EXPECT_DOUBLE_EQ(sensor->millijoules(), 5);
}

// A Jetson's or an Odroid's sensors show watts of the moment; a board without any may have a meter of the user's.
TEST_F(Energy, WattsBecomeMillijoules) {
  put("sys/class/hwmon/hwmon0/name", "ina3221\n");
  put("sys/class/hwmon/hwmon0/in1_label", "VDD_IN\n");
  put("sys/class/hwmon/hwmon0/in1_input", "5000\n");
  put("sys/class/hwmon/hwmon0/curr1_input", "2000\n");
  auto sensor = EnergySensor::find(reason_, "", folder_);
  ASSERT_TRUE(sensor) << reason_;
  EXPECT_NE(sensor->name().find("ina3221"), std::string::npos) << sensor->name();
  const int64_t begin = now_ns();
  while (now_ns() - begin < 50'000'000) sensor->millijoules();
  EXPECT_NEAR(sensor->millijoules() / (static_cast<double>(now_ns() - begin) * 1e-6), 10, 1) << "10 W";

  put("watts", "3.5\n");
  auto external = EnergySensor::find(reason_, path("watts"));
  ASSERT_TRUE(external);
  const int64_t from = now_ns();
  while (now_ns() - from < 20'000'000) external->millijoules();
  EXPECT_NEAR(external->millijoules() / (static_cast<double>(now_ns() - from) * 1e-6), 3.5, 0.5);
}

// What a meter shows changes while it is not looked at: the mean of both ends.
TEST(PowerMeter, IsIntegratedOverTime) {
  struct Steps : PowerMeter {
    double watts = 2;
    std::string name() const override { return "steps"; }
    PowerReading read(int64_t) override {
      PowerReading reading;
      reading.watts = watts;
      return reading;
    }
    double period_ms() const override { return 10; }
    double resolution_w() const override { return 0; }
    bool whole_board() const override { return true; }
  } meter;
  constexpr int64_t kMs = 1'000'000;
  EXPECT_EQ(meter.millijoules(0), 0);
  EXPECT_DOUBLE_EQ(meter.millijoules(5 * kMs), 10) << "within a period as it was";
  meter.watts = 4;
  EXPECT_DOUBLE_EQ(meter.millijoules(20 * kMs), 60);
  meter.watts = -1;  // it fails
  EXPECT_DOUBLE_EQ(meter.millijoules(40 * kMs), 140);
}

}  // namespace
}  // namespace limber
