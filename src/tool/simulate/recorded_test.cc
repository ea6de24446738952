// SPDX-License-Identifier: Apache-2.0
#include "tool/simulate/recorded.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/test_folder.h"
#include "tool/simulate/test_scenario.h"

namespace limber::tool {
namespace {

class Recorded : public FolderTest {
 protected:
  std::string write(const std::string& text) { return put("trace.jsonl", text); }
};

// What was played and written can be played again, and gives the same.
TEST_F(Recorded, ATraceOfASimulationPlaysAgain) {
  TestPlay test(camera_scenario(40, 5));
  const std::string file = this->path("trace.jsonl");
  const NamedPolicy policy = parse_policy("schedutil");
  PlayOptions options = options_of(policy, 1);
  SimulationTrace trace(file);
  trace.begin(test.scenario, test.board, test.workloads, "schedutil", 1);
  options.on_frame = [&](const PlayedFrame& frame) { trace.add(frame); };
  options.on_moment = [&](const PlayedMoment& moment) { trace.add(moment); };
  const Knowledge knowledge = knowledge_of(test.scenario, policy, 1);
  const Played first = play(test.scenario, test.board, test.workloads, knowledge, policy.make, options);
  trace.finish();

  TestPlay again(camera_scenario(40, 5));
  again.scenario.applications[0].deadline_ms = 40;
  again.scenario.applications[0].arrivals = {};
  again.scenario.applications[0].arrivals.kind = ArrivalKind::kRecorded;
  again.scenario.applications[0].arrivals.file = file;
  const Played second = again.run("schedutil");
  ASSERT_EQ(second.applications[0].frames, first.applications[0].frames);
  for (std::size_t i = 0; i < first.applications[0].latencies_ms.size(); ++i)
    EXPECT_NEAR(second.applications[0].latencies_ms[i], first.applications[0].latencies_ms[i], 0.01);
  EXPECT_NEAR(second.energy_mj, first.energy_mj, 1e-3 * first.energy_mj);
}

TEST_F(Recorded, ARunsTraceGivesArrivalsAndWork) {
  const std::string path = write(
      R"({"run": {"members": ["25%", "100%"], "member_image_ms": [1.0, 4.0], "burst": 4}}
{"policy": "static:100%", "arrival_ns": 1000000000, "start_ms": 0.5, "end_ms": 16.5, "members": {"100%": 4}}
{"policy": "dynamic", "arrival_ns": 1040000000, "start_ms": 0, "end_ms": 30, "members": {"100%": 2, "25%": 2}}
{"policy": "static:100%", "arrival_ns": 1080000000, "start_ms": 0, "end_ms": 24, "members": {"100%": 4}}
{"policy": "static:100%", "arrival_ns": 1120000000, "start_ms": 0, "end_ms": 0, "members": {}}
{"summary": []}
)");
  const std::vector<ArrivingFrame> frames = recorded_frames(path, "", 500, 1e9);
  ASSERT_EQ(frames.size(), 3u);
  EXPECT_DOUBLE_EQ(frames[0].ms, 500);
  EXPECT_DOUBLE_EQ(frames[0].work, 1.0);  // 16 ms of 4 x 4 ms
  EXPECT_DOUBLE_EQ(frames[1].ms, 580);
  EXPECT_DOUBLE_EQ(frames[1].work, 1.5);
  EXPECT_DOUBLE_EQ(frames[2].work, 1);  // nothing is known of it
  EXPECT_DOUBLE_EQ(recorded_frames(path, "dynamic", 0, 1e9).at(0).work, 3.0);
  EXPECT_EQ(recorded_frames(path, "", 0, 100).size(), 2u);
}

TEST_F(Recorded, WhatIsNoTraceIsRefused) {
  const auto message = [&](const std::string& text, const std::string& policy = "") -> std::string {
    try {
      recorded_frames(write(text), policy, 0, 1e9);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kBadFile);
      return error.what();
    }
    return "";
  };
  EXPECT_NE(message("nonsense\n").find("trace.jsonl:1: "), std::string::npos);
  EXPECT_NE(message("").find("no frames; legal: a trace of limber run or limber simulate"), std::string::npos);
  const std::string frame = R"({"policy": "a", "arrival_ms": 0, "work": 1})";
  EXPECT_EQ(message(frame), "");
  EXPECT_NE(message(frame, "b").find("no frames of policy 'b'"), std::string::npos);
  EXPECT_NE(message(R"({"policy": "a", "arrival_ms": "x", "work": 1})").find(":1: "), std::string::npos);
  EXPECT_THROW(recorded_frames("/nowhere.jsonl", "", 0, 1), Error);
}

}  // namespace
}  // namespace limber::tool
