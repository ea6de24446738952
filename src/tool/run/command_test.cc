// SPDX-License-Identifier: Apache-2.0
// `limber run` as people call it. How fast this machine is decides nothing here.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "tool/run/gnuplot.h"
#include "tool/run/test_run.h"

namespace limber::tool {
namespace {

using nlohmann::json;

struct Ran {
  int code = -1;
  std::string text;  // standard output and errors
};

Ran shell(const std::string& command) {
  Ran ran;
  FILE* pipe = popen(("{ " + command + "; } 2>&1").c_str(), "r");
  char buffer[4096];
  while (const std::size_t got = std::fread(buffer, 1, sizeof buffer, pipe)) ran.text.append(buffer, got);
  const int status = pclose(pipe);
  ran.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return ran;
}

const std::string kShapes = LIMBER_MODELS "/shapes-incremental.safetensors";

Ran run(const std::string& arguments) {
  return shell("LIMBER_CACHE='" + testing::TempDir() + "limber_run_cache' " LIMBER_TOOL " run " + arguments);
}

void expect_refusal(int code, const std::string& arguments, const std::string& part) {
  const Ran ran = run(arguments);
  EXPECT_EQ(ran.code, code) << arguments << "\n" << ran.text;
  EXPECT_NE(ran.text.find(part), std::string::npos) << arguments << "\n" << ran.text;
}

std::vector<json> lines(const std::string& text) {
  std::vector<json> values;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) values.push_back(json::parse(line));
  return values;
}

TEST(RunCommand, SideBySideWithTraceAndPicture) {
  const std::string trace = testing::TempDir() + "limber_run.jsonl", plot = testing::TempDir() + "limber_run.png";
  std::filesystem::remove(trace);
  std::filesystem::remove(plot);
  const bool draws = !find_gnuplot().empty();
  const Ran ran = run(kShapes + " --policy all --frames 6 --rounds 2 --burst 4 --load 1 --period-ms 20 --trace " +
                      trace + (draws ? " --plot " + plot : ""));
  ASSERT_EQ(ran.code, 0) << ran.text;
  for (const char* part : {"a frame is 4 images", "1 busy process", "static:100%", "dynamic", "anytime",
                           "<- best static member in hindsight"})
    EXPECT_NE(ran.text.find(part), std::string::npos) << part << "\n" << ran.text;
  const std::vector<json> traced = lines(file_text(trace));
  const json members = traced.front()["run"]["members"];
  const std::size_t policies = members.size() + 2;
  ASSERT_EQ(traced.size(), 2 + policies * 12);
  for (std::size_t i = 1; i + 1 < traced.size(); ++i) {
    const json& frame = traced[i];
    EXPECT_EQ(frame["images"]["member"].size(), 4u);
    EXPECT_EQ(frame["images"]["confidence"].size(), 4u);
    for (const json& reason : frame["images"]["reason"]) EXPECT_LT(reason.get<std::size_t>(), frame["reasons"].size());
    EXPECT_EQ(frame["loaded"].get<bool>(), frame["frame"] == 2 || frame["frame"] == 3);
  }
  int64_t frames = 0;
  for (const json& row : traced.back()["summary"]) frames += row["frames"].get<int64_t>();
  EXPECT_EQ(frames, static_cast<int64_t>(policies) * 12);
  EXPECT_EQ(file_text(plot).starts_with("\x89PNG"), draws);
}

TEST(RunCommand, JsonIsOneLineForData) {
  const Ran ran = run(kShapes + " --policy dynamic --frames 3 --burst 2 --json");
  ASSERT_EQ(ran.code, 0) << ran.text;
  const std::vector<json> printed = lines(ran.text);
  ASSERT_EQ(printed.size(), 1u);
  EXPECT_EQ(printed[0]["summary"][0]["policy"], "dynamic");
  EXPECT_EQ(printed[0]["summary"][0]["images"], 6);
}

TEST(RunCommand, AStreamFromAPipe) {
  const std::string pixels = testing::TempDir() + "limber_run_pixels";
  std::ofstream(pixels, std::ios::binary) << std::string(5 * 40 * 30 * 3, 'p');
  const Ran ran =
      shell("cat " + pixels + " | LIMBER_CACHE='" + testing::TempDir() + "limber_run_cache' " LIMBER_TOOL " run " +
            kShapes + " --input raw:40x30:rgb:- --policy anytime --confidence 0.9 --json");
  ASSERT_EQ(ran.code, 0) << ran.text;
  const std::vector<json> printed = lines(ran.text);  // a line a frame, the summary last
  ASSERT_EQ(printed.size(), 6u);
  EXPECT_EQ(printed[0]["images"]["name"].size(), 1u);
  EXPECT_TRUE(printed[0]["right"].is_null());
  EXPECT_TRUE(printed[5]["summary"][0]["top1_in_time"].is_null());
  EXPECT_EQ(printed[5]["summary"][0]["frames"], 5);
  const Ran file = run(kShapes + " --input raw:40x30:rgb:" + pixels + " --policy dynamic,anytime --period-ms 5");
  EXPECT_EQ(file.code, 0) << file.text;
  EXPECT_EQ(file.text.find("top1"), std::string::npos) << file.text;
}

TEST(RunCommand, RefusalsSayWhatIsLegal) {
  expect_refusal(1, kShapes + " --policy static:33%", "static:100%, dynamic, dynamic-ofa, anytime");
  expect_refusal(1, kShapes + " --policy fastest", "unknown policy 'fastest'");
  expect_refusal(1, kShapes + " --core 4000", "4000");
  expect_refusal(1, kShapes + " --burst none", "auto and 1..");
  expect_refusal(1, kShapes + " --trace /nowhere/t.jsonl --frames 3", "/nowhere/t.jsonl");
  expect_refusal(1, kShapes + " --plot run.gif --frames 3", ".png or .svg");
  expect_refusal(1, kShapes + " --input /nowhere/at/all", "/nowhere/at/all");
  expect_refusal(1, kShapes + " --input v4l2:/nowhere/video", "/nowhere/video");
  expect_refusal(1, kShapes + " --input y4m:- --policy all </dev/null", "plays once");
  expect_refusal(1, kShapes + " --data shapes --input shapes", "give one of them");
  expect_refusal(1, kShapes + " --data " + testing::TempDir() + "limber_nothing", "limber_nothing");
  expect_refusal(1, testing::TempDir() + "limber_no_model.safetensors", "limber_no_model.safetensors");
  expect_refusal(2, kShapes + " --confidence 1.5", "--confidence");
  expect_refusal(2, kShapes + " --frames 1", "--frames");
  expect_refusal(2, "", "model is required");
  expect_refusal(0, "--help", "Example");
}

TEST(RunCommand, ImagesOfOtherChannelsAreRefusedAsDataAndFittedAsInput) {
  const std::string folder = testing::TempDir() + "limber_run_idx";
  std::filesystem::create_directories(folder);
  const auto big = [](uint32_t n) {
    return std::string{static_cast<char>(n >> 24), static_cast<char>(n >> 16), static_cast<char>(n >> 8),
                       static_cast<char>(n)};
  };
  std::ofstream(folder + "/t10k-images-idx3-ubyte", std::ios::binary)
      << big(0x803) + big(3) + big(9) + big(7) + std::string(3 * 9 * 7, 'x');
  std::ofstream(folder + "/t10k-labels-idx1-ubyte", std::ios::binary) << big(0x801) + big(3) + std::string(3, '\1');
  expect_refusal(1, kShapes + " --data " + folder, "images of 1 channels, but the model reads 3");
  const Ran fitted = run(kShapes + " --input " + folder + " --frames 3 --policy static:100%");
  EXPECT_EQ(fitted.code, 0) << fitted.text;
}

}  // namespace
}  // namespace limber::tool
