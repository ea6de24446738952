// SPDX-License-Identifier: Apache-2.0
#include "platform/simulated/measurements.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/test_folder.h"

namespace limber {
namespace {

std::string refusal(const std::string& text, bool json = false) {
  try {
    json ? parse_measurements_json(text, "f") : parse_measurements_csv(text, "f");
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kBadFile);
    return error.what();
  }
  return "";
}

TEST(Measurements, BothKindsOfRowsInAnyOrderOfColumns) {
  const Measurements read = parse_measurements_csv(
      "# a board\n"
      "watts, celsius, processor, khz, busy, class, volt, time_s\n"
      "0.5,45.5,A15,200000,0,,,\r\n"
      "\n"
      "1.25,,A15,400000,2.5,dense,0.9,\n"
      "3,50,,,,,,10.5\n",
      "f");
  ASSERT_EQ(read.power.size(), 2u);
  EXPECT_TRUE(read.power[0].idle());
  EXPECT_EQ(read.power[0].volt, 0);
  EXPECT_EQ(read.power[0].celsius, 45.5);
  EXPECT_EQ(read.power[1].place, "f: line 5");
  EXPECT_EQ(read.power[1].khz, 400'000);
  EXPECT_EQ(read.power[1].busy, 2.5);
  EXPECT_EQ(read.power[1].load_class, "dense");
  EXPECT_EQ(read.power[1].volt, 0.9);
  EXPECT_FALSE(read.power[1].celsius.has_value());
  ASSERT_EQ(read.heat.size(), 1u);
  EXPECT_EQ(read.heat[0].time_s, 10.5);
  const Measurements again = parse_measurements_csv(print_measurements(read), "f");
  EXPECT_EQ(print_measurements(again), print_measurements(read));
  EXPECT_EQ(again.power[1].watts, 1.25);
  EXPECT_EQ(again.heat[0].celsius, 50);
}

TEST(Measurements, JsonSaysTheSame) {
  const Measurements read = parse_measurements_json(
      R"({"format": "limber-measurements", "version": 1, "rows": [
          {"processor": "A15", "khz": 400000, "busy": 1, "class": "dense", "watts": 1.5, "celsius": null},
          {"time_s": 1, "watts": 2, "celsius": 40}]})",
      "f");
  ASSERT_EQ(read.power.size(), 1u);
  EXPECT_EQ(read.power[0].watts, 1.5);
  EXPECT_EQ(read.power[0].place, "f: row 1");
  EXPECT_EQ(read.heat.size(), 1u);
  EXPECT_NE(refusal(R"({"format": "limber-measurements", "version": 1, "rows": [{"processor": "A", "khz": -1}]})", true)
                .find("f: row 1, column khz: '-1'; legal"),
            std::string::npos);
  EXPECT_NE(refusal(R"({"format": "limber-measurements", "version": 1, "rows": [{"volts": 1}]})", true).find("volts"),
            std::string::npos);
  EXPECT_NE(refusal(R"({"format": "limber-board", "version": 1, "rows": []})", true).find("legal: limber-measure"),
            std::string::npos);
}

TEST(Measurements, ErrorsNameLineAndColumn) {
  const std::string head = "processor,khz,volt,busy,class,watts,celsius\nA,200000,,0,idle,0.1,40\n";
  const std::vector<std::pair<std::string, std::string>> bad = {
      {head + "A,fast,,0,idle,0.1,40\n", "f: line 3, column khz: 'fast'; legal: a number, 1 to"},
      {head + "A,200000.5,,0,idle,0.1,40\n", "f: line 3, column khz: 200000.5; legal: a whole number"},
      {head + "\nA,200000,,0,idle,-1,40\n", "f: line 4, column watts: '-1'; legal"},
      {head + "A,200000,,0,idle,nan,40\n", "f: line 3, column watts: 'nan'; legal"},
      {head + "A,200000,,0,idle,,40\n", "f: line 3, column watts: nothing; legal"},
      {head + "A,200000,12,0,idle,1,40\n", "f: line 3, column volt: '12'; legal"},
      {head + "A,200000,1V,0,idle,1,40\n", "f: line 3, column volt: '1V'; legal"},
      {head + "A,200000,,1,,1,40\n", "f: line 3, column class: nothing; legal"},
      {head + "A,200000,,1,dense,1\n", "f: line 3: 6 values; legal: 7"},
      {head + ",200000,,1,dense,1,40\n", "f: line 3, column khz: '200000' in a row without a processor"},
      {"processor,khz,watt\n", "f: line 1: no column 'watt'; legal: processor, khz"},
      {"processor,khz,khz\n", "f: line 1: column 'khz' is there twice"},
      {"time_s,watts,celsius\n1,1,40\n1,1,41\n", "f: line 3, column time_s: 1 after 1; legal: ascending"},
      {"time_s,watts,celsius,processor\n1,1,40,A\n", "f: line 2, column time_s: '1' in a row of a processor"},
      {"processor,khz,watts\n", "f: no rows"},
      {"", "f: no rows"}};
  for (const auto& [text, expected] : bad)
    EXPECT_NE(refusal(text).find(expected), std::string::npos) << expected << "\n" << refusal(text);
  EXPECT_EQ(refusal(head), "");
}

using MeasurementsFile = FolderTest;

TEST_F(MeasurementsFile, TheNameTellsTheFormat) {
  EXPECT_EQ(read_measurements(put("a.csv", "time_s,watts,celsius\n1,1,40\n")).heat.size(), 1u);
  EXPECT_THROW(read_measurements(put("a.json", "time_s,watts,celsius\n1,1,40\n")), Error);
  EXPECT_THROW(read_measurements(path("none.csv")), Error);
}

}  // namespace
}  // namespace limber
