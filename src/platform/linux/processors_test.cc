// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/processors.h"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include "base/cpu_list.h"
#include "platform/linux/faulty_fs.h"

namespace limber {
namespace {

struct Expected {
  std::string board;
  std::vector<std::string> processors;  // "name cpus clocks points"
};

class Boards : public testing::TestWithParam<Expected> {};

TEST_P(Boards, HaveTheseProcessors) {
  const FaultyFs fs = FaultyFs::board(GetParam().board);
  std::vector<std::string> found;
  for (const LinuxProcessor& processor : find_processors(fs))
    found.push_back(fmt::format("{} {} {} {}", processor.name, processor.cpu ? print_cpu_list(processor.cpus) : "-",
                                processor.domains.size(), processor.khz.size()));
  EXPECT_EQ(found, GetParam().processors);
}

INSTANTIATE_TEST_SUITE_P(
    All, Boards,
    testing::Values(
        Expected{"odroid-xu3", {"A7 0-3 1 13", "A15 4-7 1 19", "gpu - 1 7"}},
        Expected{"jetson-xavier-nx", {"Carmel 0-1 1 25", "Carmel-2 2-3 1 25", "Carmel-3 4-5 1 25", "gpu - 1 15"}},
        Expected{"jetson-nano", {"A57 0-3 1 15", "gpu - 1 12"}}, Expected{"raspberry-pi-5", {"A76 0-3 1 10"}},
        Expected{"intel-laptop", {"cpu_core 0-1 2 2", "cpu_atom 2-5 4 2"}}, Expected{"bare-vm", {"cpu 0-1 0 1"}}),
    [](const auto& test) {
      std::string name = test.param.board;
      std::replace(name.begin(), name.end(), '-', '_');
      return name;
    });

TEST(Processors, WithoutCpufreqKindsOfCoreAreToldByCapacity) {
  FaultyFs fs;
  fs.put("/sys/devices/system/cpu/online", {"0-3"});
  for (int cpu = 0; cpu < 4; ++cpu)
    fs.put(fmt::format("/sys/devices/system/cpu/cpu{}/cpu_capacity", cpu), {cpu < 2 ? "377" : "1024"});
  const auto processors = find_processors(fs);
  ASSERT_EQ(processors.size(), 2u);
  EXPECT_EQ(processors[1].cpus, (std::vector<int>{2, 3}));
  EXPECT_EQ(processors[1].capacity, 1024);
  EXPECT_EQ(processors[0].khz, std::vector<int64_t>{0});
  EXPECT_NE(processors[0].name, processors[1].name);
}

TEST(Processors, CpusThatAreOffAreLeftOut) {
  FaultyFs fs = FaultyFs::board("odroid-xu3");
  fs.put("/sys/devices/system/cpu/online", {"0-3,5"});
  EXPECT_EQ(find_processors(fs)[1].cpus, std::vector<int>{5});
}

TEST(Processors, AnEmptyTreeHasOne) {
  const auto processors = find_processors(FaultyFs());
  ASSERT_EQ(processors.size(), 1u);
  EXPECT_EQ(processors[0].cpus, std::vector<int>{0});
}

}  // namespace
}  // namespace limber
