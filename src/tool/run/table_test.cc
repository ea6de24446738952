// SPDX-License-Identifier: Apache-2.0
#include "tool/run/table.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tool/run/test_run.h"

namespace limber::tool {
namespace {

std::vector<Tally> played(const RunContext& context) {
  std::vector<Tally> tallies;
  for (const std::string& policy : context.policies) tallies.emplace_back(policy, context.members.size());
  for (int64_t f = 0; f < 6; ++f) {
    tallies[0].add(test_frame(0, f, true, 0, 1, 3));
    const bool loaded = f == 2 || f == 3;
    tallies[1].add(loaded ? skipped_frame(1, f) : test_frame(1, f, true, 1, 1, 9));
    tallies[2].add(test_frame(2, f, true, loaded ? 0 : 1, 2, 8));
  }
  return tallies;
}

std::string row(const std::string& table, const std::string& policy) {
  const auto from = table.find("\n" + policy + " ");
  return from == std::string::npos ? "" : table.substr(from + 1, table.find('\n', from + 1) - from - 1);
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(ClosingTable, HasARowAPolicyAndMarksTheBestStatic) {
  const RunContext context = test_context();
  const std::string table = closing_table(played(context), context);
  EXPECT_TRUE(has(row(table, "static:25%"), "<- best static member in hindsight")) << table;
  EXPECT_FALSE(has(row(table, "static:100%"), "<-"));
  EXPECT_FALSE(has(row(table, "dynamic"), "<-"));
  EXPECT_TRUE(has(row(table, "static:100%"), "0.00 %"));
  EXPECT_TRUE(has(row(table, "static:100%"), "33.33 %"));  // top1_in_time: 4 of 12
  EXPECT_TRUE(has(row(table, "dynamic"), "no sensor"));
  EXPECT_TRUE(has(table, "top1_in_time  top1_answered"));
}

TEST(ClosingTable, SaysOnlyWhatIsKnown) {
  RunContext context = test_context();
  context.labelled = false;
  context.load = 0;
  context.energy_sensor = true;
  std::vector<Tally> tallies = played(context);
  tallies[2].energy_mj = 12.4;
  const std::string table = closing_table(tallies, context);
  EXPECT_FALSE(has(table, "top1"));
  EXPECT_FALSE(has(table, "loaded"));
  EXPECT_FALSE(has(table, "hindsight"));
  EXPECT_TRUE(has(row(table, "static:100%"), "66.67 %")) << table;
  EXPECT_TRUE(has(row(table, "dynamic"), "12 mJ"));
}

TEST(Heading, SaysTheFramesSize) {
  RunContext context = test_context();
  EXPECT_TRUE(has(heading(context), "2 images: 8.00 ms of work for 100%")) << heading(context);
  EXPECT_TRUE(has(heading(context), "3 busy processes"));
  context.burst = 1;
  context.frames = 0;
  context.load = 0;
  context.labelled = false;
  EXPECT_TRUE(has(heading(context), "1 image:"));
  EXPECT_TRUE(has(heading(context), "to the stream's end"));
  EXPECT_TRUE(has(heading(context), "no labels"));
  EXPECT_FALSE(has(heading(context), "busy"));
}

TEST(Summary, HasTheKeysThatScriptsRelyOn) {
  RunContext context = test_context();
  const nlohmann::json summary = summary_json(played(context), context);
  EXPECT_EQ(summary["burst"], 2);
  ASSERT_EQ(summary["summary"].size(), 3u);
  const nlohmann::json& row = summary["summary"][1];
  EXPECT_EQ(row["policy"], "static:100%");
  EXPECT_EQ(row["frames"], 6);
  EXPECT_EQ(row["frames_met"], 4);
  EXPECT_EQ(row["frames_skipped"], 2);
  EXPECT_EQ(row["deadlines_met_loaded"], 0);
  EXPECT_EQ(row["deadlines_met_unloaded"], 1);
  EXPECT_DOUBLE_EQ(row["top1_in_time"].get<double>(), 1.0 / 3);
  EXPECT_DOUBLE_EQ(row["top1_answered"].get<double>(), 0.5);
  EXPECT_DOUBLE_EQ(row["mean_ms"].get<double>(), 9);
  EXPECT_TRUE(row["energy_mj"].is_null());
  EXPECT_EQ(row["images_by_member"]["100%"], 8);
  EXPECT_TRUE(summary["summary"][0]["best_static"]);
  context.labelled = false;
  EXPECT_TRUE(summary_json(played(context), context)["summary"][0]["top1_in_time"].is_null());
}

TEST(LiveTable, ALineSaysWhatHappenedLately) {
  const RunContext context = test_context();
  Tally second("", 2);
  second.add(test_frame(2, 2, true, 0, 2, 8));
  second.add(test_frame(2, 3, false, 1, 0, 50));
  const std::string line = LiveTable::line(Tally("dynamic", 2), second, test_frame(2, 3, false, 1, 0, 50), context);
  for (const char* part : {"dynamic", "loaded", "met   1 of 2", "top1_in_time  50.0 %", "by 100% 0.50, 25% 0.50",
                           "confidence 0.62", "(because)"})
    EXPECT_TRUE(has(line, part)) << line;
}

TEST(LiveTable, OfAStreamItSaysTheLastAnswer) {
  RunContext context = test_context();
  context.classes = {"cat", "dog"};
  FrameResult frame = test_frame(2, 2, true, 0, 2, 8);
  frame.names = {"a.png", "b.png"};
  const Tally tally("dynamic", 2);
  EXPECT_TRUE(LiveTable::line(tally, tally, frame, context).ends_with("b.png: dog"));
  frame.images.back().answer = 7;  // more answers than names
  EXPECT_TRUE(LiveTable::line(tally, tally, frame, context).ends_with("b.png: 7"));
  frame.images.back().answer = -1;
  EXPECT_TRUE(LiveTable::line(tally, tally, frame, context).ends_with("b.png: no answer"));
}

TEST(LiveTable, OneLineASecond) {
  const RunContext context = test_context();
  const std::vector<Tally> tallies = played(context);
  testing::internal::CaptureStderr();
  {
    LiveTable lines(context, LiveTable::Style::kLines), off(context, LiveTable::Style::kOff);
    for (int64_t f = 0; f < 100; ++f) {
      lines.frame(tallies, test_frame(2, f, true, 0, 1), f * 33'000'000);
      off.frame(tallies, test_frame(2, f, true, 0, 1), f * 33'000'000);
    }
  }
  const std::string text = testing::internal::GetCapturedStderr();
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 3) << text;
}

TEST(LiveTable, IsRedrawnOnATerminalAndRemoved) {
  const RunContext context = test_context();
  const std::vector<Tally> tallies = played(context);
  testing::internal::CaptureStderr();
  {
    LiveTable live(context, LiveTable::Style::kTerminal);
    for (int64_t f = 0; f < 70; ++f) live.frame(tallies, test_frame(2, f, true, 0, 1), f * 33'000'000);
  }
  const std::string text = testing::internal::GetCapturedStderr();
  EXPECT_TRUE(has(text, "\033[6A\033[J")) << text;  // six lines up: heading, three policies, what is playing
  EXPECT_TRUE(text.ends_with("\033[6A\033[J"));
}

}  // namespace
}  // namespace limber::tool
