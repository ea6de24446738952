// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/processor_rail.h"

#include <gtest/gtest.h>

#include "platform/linux/faulty_fs.h"

namespace limber {
namespace {

// "A7: power-sensor@45 alone" for each processor of a board, by its first meter that tells; "" where none does.
std::string rails_of(const std::string& board) {
  FaultyFs fs = FaultyFs::board(board);
  std::vector<MissingMeter> missing;
  const auto processors = find_processors(fs);
  const auto meters = find_power_meters(fs, missing);
  std::string text;
  for (const auto& meter : meters) meter->read(0);
  std::vector<PowerReading> readings;
  for (const auto& meter : meters) readings.push_back(meter->read(1'000'000'000));
  for (std::size_t p = 0; p < processors.size(); ++p) {
    for (const PowerReading& reading : readings) {
      const auto rail = rail_of(reading.rails, processors, p);
      if (!rail) continue;
      text += processors[p].name + ": " + rail->name +
              (rail->alone  ? " alone; "
               : rail->chip ? " the chip; "
                            : " shared; ");
      break;
    }
  }
  return text;
}

TEST(ProcessorRail, OfTheBoards) {
  EXPECT_EQ(rails_of("odroid-xu3"),
            "A7: power-sensor@45 alone; A15: power-sensor@40 alone; gpu: power-sensor@44 alone; ");
  EXPECT_EQ(rails_of("jetson-nano"), "A57: POM_5V_CPU alone; gpu: POM_5V_GPU alone; ");
  EXPECT_EQ(rails_of("raspberry-pi-5"), "") << "VDD_CORE does not say whose it is";
  EXPECT_EQ(rails_of("bare-vm"), "");
}

TEST(ProcessorRail, ARailOfSeveralIsShared) {
  const std::string rails = rails_of("jetson-xavier-nx");
  EXPECT_NE(rails.find(": VDD_CPU_GPU_CV shared; "), std::string::npos) << rails;
  EXPECT_EQ(rails.find("alone"), std::string::npos) << rails;
}

TEST(ProcessorRail, ThePackageIsAllCpus) {
  const std::string rails = rails_of("intel-laptop");
  EXPECT_NE(rails.find("cpu_core: package-0 the chip; "), std::string::npos) << rails;
  EXPECT_NE(rails.find("cpu_atom: package-0 the chip; "), std::string::npos) << rails;
}

TEST(ProcessorRail, AProcessorsOwnNameIsBetterThanCpu) {
  std::vector<LinuxProcessor> processors(2);
  processors[0].name = "A55";
  processors[1].name = "A76";
  const std::vector<Rail> rails = {{"VDD_CPU", 1}, {"vdd-a76", 2}};
  EXPECT_EQ(rail_of(rails, processors, 1)->name, "vdd-a76");
  EXPECT_TRUE(rail_of(rails, processors, 1)->alone);
  EXPECT_EQ(rail_of(rails, processors, 0)->name, "VDD_CPU");
  EXPECT_FALSE(rail_of(rails, processors, 0)->alone) << "both clusters may hang on it";
}

TEST(ProcessorRail, SensorsAtThoseAddressesAreTheXu3sOnlyWithItsProcessors) {
  std::vector<LinuxProcessor> processors(1);
  processors[0].name = "A15";
  const std::vector<Rail> rails = {{"ina231@40", 1}, {"ina231@41", 1}, {"ina231@44", 1}, {"ina231@45", 1}};
  EXPECT_FALSE(rail_of(rails, processors, 0));
  EXPECT_FALSE(rail_of({{"package-0", 1}, {"package-1", 1}}, processors, 0)) << "which of two?";
}

}  // namespace
}  // namespace limber
