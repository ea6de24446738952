// SPDX-License-Identifier: Apache-2.0
#include "platform/simulated/new_board.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "platform/simulated/board_fit.h"

namespace limber {
namespace {

Measurements rows(const std::string& processor) {
  Measurements measurements;
  measurements.where = "rows";
  for (const int64_t khz : {1'500'000, 600'000, 1'000'000}) {
    for (int busy = 0; busy <= 2; ++busy) {
      const double volt = 0.8 + 1e-7 * static_cast<double>(khz) + 0.01 * (busy - 1);
      const double watts = power_w({0.3, 0.5, 0.2, 0.03, 0}, {khz, volt}, busy, 50);
      measurements.power.push_back({"rows: a row", processor, khz, volt, 1.0 * busy, "dense", watts, {}});
    }
  }
  return measurements;
}

std::string refusal(const std::string& name, const std::vector<int>& cpus, const Measurements& measurements,
                    Board board) {
  try {
    add_processor(name, cpus, 1024, measurements, &board);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    return error.what();
  }
  return "";
}

TEST(NewBoard, ConsistsOfWhatWasMeasured) {
  Board board = new_board("mine", 5000);
  add_processor("big", {2, 3}, 1024, rows("big"), &board);
  EXPECT_FALSE(parse_board(print_board(board), "printed").calibrated);
  store_power(fit_power(board.processors[0], rows("big")), "today", "rows", {}, 0, &board);
  const Board again = parse_board(print_board(board), "printed");
  EXPECT_TRUE(again.calibrated);
  ASSERT_EQ(again.processors[0].opps.size(), 3u);
  EXPECT_EQ(again.processors[0].opps[0].khz, 600'000);
  EXPECT_NEAR(again.processors[0].opps[0].volt, 0.86, 1e-9);
  EXPECT_NEAR(again.processors[0].power.core_w_per_ghz_v2, 0.5, 1e-5);
  add_processor("little", {0, 1}, 400, rows("little"), &board);
  EXPECT_EQ(board.processors[1].power_source.confidence, "low");
}

TEST(NewBoard, RefusesWhatCannotBe) {
  Board board = new_board("mine", 5000);
  add_processor("big", {2, 3}, 1024, rows("big"), &board);
  EXPECT_NE(refusal("big", {0}, rows("big"), board).find("'big' is there already"), std::string::npos);
  EXPECT_NE(refusal("little", {1, 2}, rows("little"), board).find("CPU 2 belongs to 'big'"), std::string::npos);
  EXPECT_NE(refusal("little", {1}, rows("big"), board).find("no rows of processor 'little'"), std::string::npos);
  Measurements part = rows("little");
  part.power[3].volt = 0;
  EXPECT_NE(refusal("little", {1}, part, board).find("column volt: nothing"), std::string::npos);
}

}  // namespace
}  // namespace limber
