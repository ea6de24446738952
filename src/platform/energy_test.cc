// SPDX-License-Identifier: Apache-2.0
#include "platform/energy.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace limber {
namespace {

class Energy : public ::testing::Test {
 protected:
  void SetUp() override {
    root_ = ::testing::TempDir() + "energy_" + ::testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::remove_all(root_);
  }
  void TearDown() override { std::filesystem::remove_all(root_); }
  void zone(const std::string& directory, const std::string& name, const std::string& energy) {
    const std::string path = root_ + "/sys/class/powercap/" + directory;
    std::filesystem::create_directories(path);
    std::ofstream(path + "/name") << name << "\n";
    std::ofstream(path + "/max_energy_range_uj") << "1000000\n";
    if (!energy.empty()) std::ofstream(path + "/energy_uj") << energy << "\n";
  }
  std::string root_, reason_;
};

TEST_F(Energy, NoSensorIsSaid) {
  EXPECT_FALSE(EnergySensor::find(reason_, root_));
  EXPECT_NE(reason_.find("no sensor"), std::string::npos);
}

TEST_F(Energy, AnUnreadableCounterIsSaid) {
  zone("intel-rapl:0", "package-0", "");
  EXPECT_FALSE(EnergySensor::find(reason_, root_));
  EXPECT_NE(reason_.find("root only"), std::string::npos);
}

TEST_F(Energy, SumsPackagesAndSurvivesAWrap) {
  zone("intel-rapl:0", "package-0", "999000");
  zone("intel-rapl:1", "package-1", "5000");
  zone("intel-rapl:0:0", "core", "777");
  auto sensor = EnergySensor::find(reason_, root_);
  ASSERT_TRUE(sensor);
  EXPECT_EQ(sensor->name(), "powercap: package-0, package-1");
  EXPECT_DOUBLE_EQ(sensor->millijoules(), 0);
  zone("intel-rapl:0", "package-0", "1000");
  zone("intel-rapl:1", "package-1", "8000");
  EXPECT_DOUBLE_EQ(sensor->millijoules(), 2 + 3);
  EXPECT_DOUBLE_EQ(sensor->millijoules(), 5);
}

}  // namespace
}  // namespace limber
