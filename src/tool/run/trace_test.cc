// SPDX-License-Identifier: Apache-2.0
#include "tool/run/trace.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "tool/run/test_run.h"

namespace limber::tool {
namespace {

using nlohmann::json;

TEST(Trace, EveryFrameAndEveryImage) {
  const std::string path = testing::TempDir() + "limber_trace.jsonl";
  std::filesystem::remove(path);
  const RunContext context = test_context();
  TraceWriter trace(path);
  trace.begin(context);
  trace.add(test_frame(2, 1, true, 1, 1, 8.25));
  trace.add(skipped_frame(1, 2));
  EXPECT_EQ(trace.waiting(), 2u);
  trace.flush();
  EXPECT_EQ(trace.waiting(), 0u);
  FrameResult named = test_frame(0, 3, false, 0, 0);
  named.names = {"a.png", "b.png"};
  named.round = 1;
  trace.add(named);
  EXPECT_FALSE(std::filesystem::exists(path));  // whole or not at all
  trace.finish({{"summary", json::array()}});

  std::istringstream lines(file_text(path));
  std::vector<json> read;
  for (std::string line; std::getline(lines, line);) read.push_back(json::parse(line));
  ASSERT_EQ(read.size(), 5u);
  EXPECT_EQ(read[0]["run"]["model"], "toy");
  EXPECT_EQ(read[0]["run"]["members"], json({"25%", "100%"}));
  EXPECT_EQ(read[1]["policy"], "dynamic");
  EXPECT_EQ(read[1]["frame"], 1);
  EXPECT_EQ(read[1]["met"], true);
  EXPECT_EQ(read[1]["start_ms"], 0.1);
  EXPECT_EQ(read[1]["end_ms"], 8.25);
  EXPECT_EQ(read[1]["right"], 1);
  EXPECT_EQ(read[1]["members"], json({{"100%", 2}}));
  EXPECT_EQ(read[1]["confidence"], 0.625);
  EXPECT_EQ(read[1]["reasons"], json({"because"}));
  EXPECT_EQ(read[1]["images"]["member"], json({1, 1}));
  EXPECT_EQ(read[1]["images"]["reason"], json({0, 0}));
  EXPECT_EQ(read[1]["images"]["confidence"], json({0.5, 0.75}));
  EXPECT_EQ(read[1]["images"]["answer"], json({0, 1}));
  EXPECT_EQ(read[2]["skipped"], true);
  EXPECT_EQ(read[2]["members"], json::object());
  EXPECT_EQ(read[2]["confidence"], 0);
  EXPECT_EQ(read[3]["images"]["name"], json({"a.png", "b.png"}));
  EXPECT_EQ(read[3]["round"], 1);
  EXPECT_TRUE(read[4].contains("summary"));
}

TEST(Trace, WithoutLabelsNothingIsRight) {
  RunContext context = test_context();
  context.labelled = false;
  EXPECT_TRUE(TraceWriter::line(test_frame(0, 0, true, 0, 0), context)["right"].is_null());
}

TEST(Trace, AnUnfinishedTraceLeavesNothing) {
  const std::string folder = testing::TempDir() + "limber_trace_unfinished";
  std::filesystem::create_directories(folder);
  {
    const RunContext context = test_context();
    TraceWriter trace(folder + "/t.jsonl");
    trace.begin(context);
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder));
}

TEST(Trace, AnUnwritableFileIsSaidAtOnce) {
  try {
    TraceWriter trace("/nowhere/at/all.jsonl");
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("/nowhere/at/all.jsonl"), std::string::npos);
  }
}

TEST(Trace, ForeignNamesBecomeJson) {
  EXPECT_NO_THROW(json::parse(json_line({{"model", "\xff\xfe"}})));
}

}  // namespace
}  // namespace limber::tool
