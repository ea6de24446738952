// SPDX-License-Identifier: Apache-2.0
#include "tool/run/plot.h"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "base/error.h"
#include "base/need_in_test.h"
#include "tool/run/gnuplot.h"
#include "tool/run/test_run.h"

namespace limber::tool {
namespace {

struct Drawn {
  std::vector<Tally> tallies;
  std::vector<FrameResult> frames;
};

Drawn play(const RunContext& context) {
  Drawn drawn;
  for (std::size_t p = 0; p < context.policies.size(); ++p) {
    drawn.tallies.emplace_back(context.policies[p], context.members.size());
    for (int64_t f = 0; f < 6; ++f) {
      const int policy = static_cast<int>(p);
      drawn.frames.push_back(p == 1 && f == 3 ? skipped_frame(policy, f)
                                              : test_frame(policy, f, f != 2, p == 1, 1, f == 2 ? 50 : 10));
      drawn.tallies.back().add(drawn.frames.back());
    }
  }
  return drawn;
}

// Its path; scripts/setup installs it.
std::string gnuplot() {
  std::string path = find_gnuplot();
  if (path.empty()) fail(ErrorCode::kNotFound, "gnuplot is not installed (Debian: gnuplot-nox)");
  return path;
}

std::string draw(const std::string& name, const RunContext& context) {
  const std::string path = testing::TempDir() + name;
  std::filesystem::remove(path);
  Plot plot(path);
  const Drawn drawn = play(context);
  for (const FrameResult& frame : drawn.frames) plot.add(frame, context);
  EXPECT_FALSE(std::filesystem::exists(path));
  plot.finish(drawn.tallies, context);
  return file_text(path);
}

TEST(Plot, PngAndSvgAreDrawn) {
  LIMBER_NEED(std::string, program, gnuplot());
  EXPECT_TRUE(draw("limber_plot.png", test_context()).starts_with("\x89PNG\r\n"));
  const std::string svg = draw("limber_plot.svg", test_context());
  for (const char* part : {"<svg", "</svg>", "static:25%", "dynamic", "toy on numbers", "deadline, 33 ms",
                           "best static member in hindsight"})
    EXPECT_NE(svg.find(part), std::string::npos) << part;
}

TEST(Plot, ForeignNamesAreOnlyText) {
  LIMBER_NEED(std::string, program, gnuplot());
  RunContext context = test_context();
  const std::string victim = testing::TempDir() + "limber_plot_victim";
  std::filesystem::remove(victim);
  context.model = "it's `touch " + victim + "`\nsystem 'touch " + victim + "'\n";
  context.policies[2] = "a'.system('touch " + victim + "').'";
  EXPECT_NE(draw("limber_plot_foreign.svg", context).find("it's ?touch"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(victim));
}

TEST(Plot, NothingPlayedAndNoLabelsAreDrawnToo) {
  LIMBER_NEED(std::string, program, gnuplot());
  RunContext context = test_context();
  context.labelled = false;
  context.load = 0;
  const std::vector<Tally> tallies = {Tally("static:25%", 2)};
  const std::string path = testing::TempDir() + "limber_plot_empty.svg";
  Plot plot(path);
  plot.finish(tallies, context);
  EXPECT_EQ(file_text(path).find("top1"), std::string::npos);
}

TEST(Plot, ShadesEveryRoundsLoadedThird) {
  RunContext context = test_context();
  context.rounds = 2;
  const std::string script = Plot::script({}, {Tally("dynamic", 2)}, context, true);
  EXPECT_NE(script.find("from first 0.0660,graph 0 to first 0.1320,graph 1"), std::string::npos) << script;
  EXPECT_NE(script.find("from first 0.2640,graph 0 to first 0.3300,graph 1"), std::string::npos);
}

TEST(Plot, ManyMembersHaveALegendOfSome) {
  RunContext context = test_context();
  context.members.clear();
  for (int i = 1; i <= 19; ++i) context.members.push_back(fmt::format("m{}", i));
  const std::string script = Plot::script({}, {Tally("dynamic", 19)}, context, true);
  EXPECT_NE(script.find("'m1' at screen"), std::string::npos);
  EXPECT_NE(script.find("'m19' at screen"), std::string::npos);
  EXPECT_EQ(script.find("'m2' at screen"), std::string::npos) << "the line would run into the deadlines'";
}

TEST(Plot, RefusalsComeAtOnceAndNameTheWayOut) {
  const auto refusal = [](const std::string& path) -> std::string {
    try {
      Plot plot(path);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_NE(refusal("run.pdf").find(".png or .svg"), std::string::npos);
  if (!find_gnuplot().empty()) {
    EXPECT_NE(refusal("/nowhere/run.png").find("/nowhere/run.png"), std::string::npos);
  }
  const char* const set = std::getenv("PATH");
  const std::string path = set != nullptr ? set : "";
  setenv("PATH", "/nowhere", 1);
  EXPECT_NE(refusal("run.png").find("gnuplot-nox"), std::string::npos);
  EXPECT_THROW(run_gnuplot("plot x"), Error);
  setenv("PATH", path.c_str(), 1);
}

TEST(Gnuplot, ItsComplaintIsPassedOn) {
  LIMBER_NEED(std::string, program, gnuplot());
  try {
    run_gnuplot("set nonsense 1\n");
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("nonsense"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace limber::tool
