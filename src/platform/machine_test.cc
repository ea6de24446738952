// SPDX-License-Identifier: Apache-2.0
#include "platform/machine.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/error.h"
#include "base/test_folder.h"

namespace limber {
namespace {

class Root : public FolderTest {};

TEST_F(Root, ReadsAnX86Machine) {
  put("/proc/cpuinfo",
      "processor\t: 0\nmodel name\t: Some CPU @ 2 GHz\n\nprocessor\t: 1\nmodel name\t: Some CPU @ 2 GHz\n");
  put("/sys/devices/system/cpu/cpu1/cpufreq/scaling_governor", "schedutil\n");
  put("/sys/devices/system/cpu/cpu1/cpufreq/scaling_max_freq", "1800000\n");
  const Machine machine = read_machine(1, folder_);
  EXPECT_EQ(machine.cpu_model, "Some CPU @ 2 GHz");
  EXPECT_EQ(machine.logical_cpus, 2);
  EXPECT_EQ(machine.governor, "schedutil");
  EXPECT_EQ(machine.frequency_khz, 1800000);
}

TEST_F(Root, NamesAnArmPart) {
  put("/proc/cpuinfo", "processor : 0\nCPU implementer : 0x41\nCPU part : 0xd03\n");
  EXPECT_EQ(read_machine(0, folder_).cpu_model, "ARM Cortex-A53 (part 0xd03)");
}

TEST_F(Root, WhatIsMissingStaysEmpty) {
  const Machine machine = read_machine(0, folder_);
  EXPECT_EQ(machine.cpu_model, "");
  EXPECT_EQ(machine.governor, "");
  EXPECT_EQ(machine.frequency_khz, 0);
  EXPECT_EQ(resident_memory(folder_).all, 0);
}

TEST_F(Root, NonsenseIsUnknown) {
  put("/sys/devices/system/cpu/cpu0/cpufreq/scaling_max_freq", "<unknown>\n");
  EXPECT_EQ(read_machine(0, folder_).frequency_khz, 0);
}

TEST(Machine, ThisOneTellsItsResidentSet) {
  const ResidentMemory memory = resident_memory();
  EXPECT_GT(memory.anonymous, 10'000);
  EXPECT_GT(memory.all, memory.anonymous);
}

TEST(Machine, PinningToACpuThatDoesNotExistNamesTheLegalOnes) {
  try {
    pin_thread({100000});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    EXPECT_NE(std::string(error.what()).find("may run on"), std::string::npos);
  }
  EXPECT_THROW(pin_thread({}), Error);
}

TEST(Machine, PinsToAnAllowedCpu) {
  const std::vector<int> before = allowed_cpus();
  ASSERT_FALSE(before.empty());
  pin_thread({before.back()});
  EXPECT_EQ(allowed_cpus(), std::vector<int>{before.back()});
  pin_thread(before);
}

}  // namespace
}  // namespace limber
