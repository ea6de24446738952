// SPDX-License-Identifier: Apache-2.0
#include "platform/simulated/board.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <map>

#include "base/error.h"
#include "base/need_in_test.h"
#include "formats/json_fields.h"
#include "platform/simulated/measured_xu3.h"

namespace limber {
namespace {

Board shipped(const std::string& name) {
  return read_board(std::string(LIMBER_BOARDS) + "/" + name + ".json");
}

std::string message(const std::string& text) {
  try {
    parse_board(text, "board");
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(Board, EveryShippedOneIsRead) {
  int count = 0;
  for (const auto& file : std::filesystem::directory_iterator(LIMBER_BOARDS)) {
    if (file.path().extension() != ".json") continue;
    const Board board = read_board(file.path());
    EXPECT_EQ(board.name, file.path().stem());
    EXPECT_EQ(board.calibrated, board.name == "odroid-xu3") << "only the XU3's power was held against measurements";
    ++count;
  }
  EXPECT_EQ(count, 4);
}

TEST(Board, ErrorsSayWhereAndWhatIsLegal) {
  const std::string head = R"({"format": "limber-board", "version": 1, "name": "b", "title": "t", )";
  const std::string source = R"({"confidence": "low", "text": "made up"})";
  const std::string power = R"({"core_w_per_ghz_v2": 1, "source": )" + source + "}";
  const auto with_opps = [&](const std::string& opps) {
    return head + R"("processors": [{"name": "A", "kind": "cpu", "cpus": [0], "governor": "schedutil", "opps": )" +
           opps + R"(, "power": )" + power + R"(, "opp_source": )" + source +
           R"(}], "rest_w": 0, "memory_mb_per_s": 1, "thermal": {"ambient_c": 25, "k_per_w": 1, "tau_s": 1, "source": )" +
           source + R"(}, "trips": [], "sensors": [], "sources": {}})";
  };
  EXPECT_EQ(message(with_opps(R"([{"khz": 1000, "microvolt": 1000000}])")), "");
  EXPECT_NE(message(with_opps("[]")).find("'opps': none; legal: one or more"), std::string::npos);
  EXPECT_NE(message(with_opps(R"([{"khz": 2000, "microvolt": 1000000}, {"khz": 1000, "microvolt": 1000000}])"))
                .find("1000 kHz after 2000; legal: ascending"),
            std::string::npos);
  EXPECT_NE(message(with_opps(R"([{"khz": 1000, "microvolt": 1}])")).find("'microvolt': 1; legal:"), std::string::npos);
  EXPECT_NE(message(head + R"("processors": []})").find("no processor of kind cpu"), std::string::npos);
  EXPECT_NE(message(R"({"format": "other", "version": 1})").find("legal: limber-board 1"), std::string::npos);
}

TEST(Board, IsTheSameAfterItWasPrinted) {
  for (const auto& file : std::filesystem::directory_iterator(LIMBER_BOARDS)) {
    if (file.path().extension() != ".json") continue;
    const Board board = read_board(file.path());
    const std::string text = print_board(board);
    const Board again = parse_board(text, "printed");
    EXPECT_EQ(print_board(again), text);
    EXPECT_EQ(again.calibrated, board.calibrated);
    ASSERT_EQ(again.processors.size(), board.processors.size());
    for (std::size_t i = 0; i < board.processors.size(); ++i) {
      const Processor &one = board.processors[i], &other = again.processors[i];
      EXPECT_EQ(other.name, one.name);
      EXPECT_EQ(other.cpus, one.cpus);
      EXPECT_EQ(other.calibrated, one.calibrated);
      EXPECT_EQ(other.default_governor, one.default_governor);
      EXPECT_EQ(other.power_source.text, one.power_source.text);
      ASSERT_EQ(other.opps.size(), one.opps.size());
      for (std::size_t p = 0; p < one.opps.size(); ++p) {
        EXPECT_EQ(other.opps[p].khz, one.opps[p].khz);
        EXPECT_EQ(other.opps[p].volt, one.opps[p].volt);
        EXPECT_EQ(power_w(other.power, other.opps[p], 2, 70), power_w(one.power, one.opps[p], 2, 70));
      }
    }
    EXPECT_EQ(again.thermal.tau_s, board.thermal.tau_s);
    EXPECT_EQ(again.trips.size(), board.trips.size());
    EXPECT_EQ(again.sensors.size(), board.sensors.size());
    EXPECT_EQ(again.sources.size(), board.sources.size());
  }
}

TEST(Board, IsCalibratedWhereItsClustersAre) {
  Board board = shipped("odroid-xu3");
  EXPECT_TRUE(board.processors[board.find("A15")].calibrated);
  EXPECT_FALSE(board.processors[board.find("gpu")].calibrated) << "its power is an estimate";
  board.processors[board.find("A7")].calibrated = false;
  EXPECT_NE(message(print_board(board)).find("a calibrated board has no CPU cluster that is not"), std::string::npos);
  board.calibrated = false;
  const Board again = parse_board(print_board(board), "printed");
  EXPECT_TRUE(again.processors[again.find("A15")].calibrated);
  EXPECT_FALSE(again.processors[again.find("A7")].calibrated);
}

struct Errors {
  double sum = 0, worst = 0;
  int count = 0;
  void add(double error) {
    sum += std::abs(error);
    worst = std::max(worst, std::abs(error));
    ++count;
  }
  double mean() const { return sum / count; }
};

TEST(PowerModel, TheA15OfTheOdroidXu3) {
  LIMBER_NEED(std::string, text, measured_xu3());
  const Board board = shipped("odroid-xu3");
  const Processor& a15 = board.processors[board.find("A15")];
  // W per GHz and V^2 of a busy core: a property of the workload. Fitted on 200, 600, 1000, 1400 and 1800 MHz; the
  // other frequencies are held out.
  const std::map<std::string, double> classes = {
      {"idle", 0},         {"lat_mem_rd_200_256", 0.190}, {"bw_mem_rd", 0.266}, {"dhrystone", 0.394},
      {"susan", 0.411},    {"openmp_mflops", 0.395},      {"h264_hq", 0.412},   {"cstm_fp", 0.441},
      {"neon_mul", 0.466}, {"mp_neon_mflops", 0.466}};
  Errors all, held_out;
  const Json rows = parse_json(text, "rows");
  for (const Json& row : rows.at("rows")) {
    const auto khz = row.at("a15_freq_khz").get<int64_t>();
    const auto& point = a15.opps[a15.at_least(static_cast<double>(khz))];
    ASSERT_EQ(point.khz, khz);
    const double activity = classes.at(row.at("workload").get<std::string>()) / a15.power.core_w_per_ghz_v2 *
                            row.at("a15_util_sum").get<double>();
    const double modelled = power_w(a15.power, point, activity, row.at("a15_temp_c").get<double>());
    const double error = modelled / (1e-3 * row.at("a15_power_mw").get<double>()) - 1;
    all.add(error);
    if (khz == 400'000 || khz == 800'000 || khz == 1'200'000 || khz == 1'600'000) held_out.add(error);
  }
  EXPECT_EQ(all.count, 360);
  EXPECT_LE(all.mean(), 0.05);
  EXPECT_LE(all.worst, 0.15);
  EXPECT_LE(held_out.mean(), 0.05);
  RecordProperty("mean_percent", std::to_string(100 * all.mean()));
}

}  // namespace
}  // namespace limber
