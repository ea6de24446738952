// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/power_meter.h"

#include <gtest/gtest.h>

#include "platform/linux/faulty_fs.h"
#include "platform/linux/power_pmic.h"

namespace limber {
namespace {

constexpr int64_t kMs = 1'000'000;

std::string names(const PowerReading& reading) {
  std::string text;
  for (const Rail& rail : reading.rails) text += rail.name + " ";
  return text;
}

struct Sensors {
  FaultyFs fs;
  std::vector<MissingMeter> missing;
  std::vector<std::unique_ptr<PowerMeter>> meters;
  explicit Sensors(const std::string& board) : fs(FaultyFs::board(board)) { meters = find_power_meters(fs, missing); }
};

TEST(Power, Ina231IsSummedOverItsRails) {
  Sensors board("odroid-xu3");
  ASSERT_EQ(board.meters.size(), 1u);
  const PowerReading reading = board.meters[0]->read(0);
  EXPECT_NEAR(reading.watts, 1.45 + 0.068 + 0.11 + 0.24, 1e-9);
  EXPECT_EQ(names(reading), "power-sensor@40 power-sensor@41 power-sensor@44 power-sensor@45 ");
  EXPECT_FALSE(board.meters[0]->whole_board());
}

TEST(Power, Ina3221IsVoltTimesAmpereAndItsInputIsTheBoard) {
  Sensors board("jetson-xavier-nx");
  ASSERT_EQ(board.meters.size(), 1u);
  const PowerReading reading = board.meters[0]->read(0);
  EXPECT_NEAR(reading.watts, 5.0, 1e-9) << "VDD_IN feeds the other two; adding them would count twice";
  EXPECT_EQ(names(reading), "VDD_IN VDD_CPU_GPU_CV VDD_SOC ");
  EXPECT_NEAR(reading.rails[1].watts, 1.5, 1e-9);
  EXPECT_TRUE(board.meters[0]->whole_board());
}

TEST(Power, AChannelThatIsOffIsLeftOut) {
  Sensors board("jetson-xavier-nx");
  board.fs.read_errors["/sys/class/hwmon/hwmon3/curr3_input"] = ENODATA;
  PowerReading reading = board.meters[0]->read(0);
  EXPECT_EQ(names(reading), "VDD_IN VDD_CPU_GPU_CV ");
  EXPECT_NEAR(reading.watts, 5.0, 1e-9);
  board.fs.read_errors["/sys/class/hwmon/hwmon3/in1_input"] = ENODATA;
  reading = board.meters[0]->read(0);
  EXPECT_LT(reading.watts, 0) << "without its input the board's power is not known; the rest is something else";
  EXPECT_NE(reading.reason.find("switched off"), std::string::npos);
}

TEST(Power, TheOldJetsonsLayout) {
  Sensors board("jetson-nano");
  ASSERT_EQ(board.meters.size(), 1u);
  EXPECT_EQ(board.meters[0]->name(), "ina3221x");
  const PowerReading reading = board.meters[0]->read(0);
  EXPECT_NEAR(reading.watts, 2.511, 1e-9);
  EXPECT_EQ(names(reading), "POM_5V_IN POM_5V_GPU POM_5V_CPU ");
}

TEST(Power, NotForThisUser) {
  FaultyFs fs = FaultyFs::board("jetson-nano");
  for (const char* channel : {"0", "1", "2"})
    fs.read_errors[std::string("/sys/bus/i2c/drivers/ina3221x/6-0040/iio:device0/in_power") + channel + "_input"] =
        EACCES;
  std::string reason;
  EXPECT_EQ(find_ina_iio(fs, reason), nullptr);
  EXPECT_NE(reason.find("run as root"), std::string::npos) << reason;
}

TEST(Power, RaplIsEnergyOverTimeAndWraps) {
  Sensors board("intel-laptop");
  ASSERT_EQ(board.meters.size(), 1u);
  const std::string counter = "/sys/class/powercap/intel-rapl:0/energy_uj";
  EXPECT_LT(board.meters[0]->read(0).watts, 0) << "one reading is no power";
  board.fs.put(counter, {"5500000"});
  EXPECT_NEAR(board.meters[0]->read(100 * kMs).watts, 5.0, 1e-9);
  board.fs.put(counter, {"5600000"});
  EXPECT_NEAR(board.meters[0]->read(100 * kMs + 1000).watts, 5.0, 1e-9) << "too soon: as before";
  EXPECT_NEAR(board.meters[0]->read(200 * kMs).watts, 1.0, 1e-9) << "and nothing is lost";
  board.fs.put(counter, {"262143000000"});
  board.meters[0]->read(300 * kMs);
  board.fs.put(counter, {"671150"});
  EXPECT_NEAR(board.meters[0]->read(400 * kMs).watts, 10.0, 1e-6);
  board.fs.read_errors[counter] = EACCES;
  EXPECT_LT(board.meters[0]->read(500 * kMs).watts, 0);
}

TEST(Power, PmicSumsRailsWithBothVoltsAndAmperes) {
  Sensors board("raspberry-pi-5");
  ASSERT_EQ(board.meters.size(), 1u);
  EXPECT_NEAR(board.meters[0]->read(0).watts, 3.7 * 0.1 + 3.3 * 0.2 + 0.8 * 1.5, 1e-9);
  board.fs.read_errors["/command/vcgencmd pmic_read_adc"] = EIO;
  EXPECT_NEAR(board.meters[0]->read(100 * kMs).watts, 2.23, 1e-9) << "the tool runs twice a second at most";
  EXPECT_LT(board.meters[0]->read(600 * kMs).watts, 0);
}

TEST(Power, PmicTextThatIsNone) {
  for (const char* wrong : {"", "Command not registered", "A current(0)=1A", "X_A current(0)=nonsense\nX_V volt(1)=1V",
                            "X_A current(0)=-1A\nX_V volt(1)=1V"}) {
    const PowerReading reading = parse_pmic(wrong);
    EXPECT_LT(reading.watts, 0) << wrong;
    EXPECT_FALSE(reading.reason.empty());
  }
}

TEST(Power, NothingIsSaidForEachKind) {
  Sensors vm("bare-vm");
  EXPECT_TRUE(vm.meters.empty());
  EXPECT_EQ(vm.missing.size(), 4u);
  for (const MissingMeter& missing : vm.missing) EXPECT_FALSE(missing.reason.empty()) << missing.name;
}

}  // namespace
}  // namespace limber
