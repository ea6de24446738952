// SPDX-License-Identifier: Apache-2.0
#include "platform/energy.h"

#include <gtest/gtest.h>

#include "base/test_folder.h"

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
  EXPECT_FALSE(EnergySensor::find(reason_, folder_));
  EXPECT_NE(reason_.find("no sensor"), std::string::npos);
}

TEST_F(Energy, AnUnreadableCounterIsSaid) {
  put_zone("intel-rapl:0", "package-0", "");
  EXPECT_FALSE(EnergySensor::find(reason_, folder_));
  EXPECT_NE(reason_.find("root only"), std::string::npos);
}

TEST_F(Energy, SumsPackagesAndSurvivesAWrap) {
  put_zone("intel-rapl:0", "package-0", "999000");
  put_zone("intel-rapl:1", "package-1", "5000");
  put_zone("intel-rapl:0:0", "core", "777");
  auto sensor = EnergySensor::find(reason_, folder_);
  ASSERT_TRUE(sensor);
  EXPECT_EQ(sensor->name(), "powercap: package-0, package-1");
  EXPECT_DOUBLE_EQ(sensor->millijoules(), 0);
  put_zone("intel-rapl:0", "package-0", "1000");
  put_zone("intel-rapl:1", "package-1", "8000");
  EXPECT_DOUBLE_EQ(sensor->millijoules(), 2 + 3);
  EXPECT_DOUBLE_EQ(sensor->millijoules(), 5);
}

}  // namespace
}  // namespace limber
