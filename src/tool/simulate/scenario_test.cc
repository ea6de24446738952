// SPDX-License-Identifier: Apache-2.0
#include "tool/simulate/scenario.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace limber::tool {
namespace {

std::vector<Scenario> shipped(const std::string& name) {
  return read_scenarios(std::string(LIMBER_SCENARIOS) + "/" + name + ".toml");
}

TEST(Scenario, SingleIsASweepOfPeriods) {
  const std::vector<Scenario> all = shipped("single");
  ASSERT_EQ(all.size(), 8u);
  EXPECT_EQ(all[1].applications[0].arrivals.period_ms, 25);
  EXPECT_EQ(all[1].applications[0].deadline(), 25);
  EXPECT_EQ(all[1].swept, (decltype(all[1].swept){{"camera.period_ms", "25"}}));
  EXPECT_EQ(all[3].applications[0].floor, FloorKind::kLargest);
  EXPECT_EQ(all[3].seeds, 20);
  EXPECT_EQ(all[3].profile_error, 0.12);
}

TEST(Scenario, SeveralListsMakeEveryCombination) {
  const std::vector<Scenario> all = shipped("two-models");
  EXPECT_EQ(all.size(), 3u * 3 * 3);
  EXPECT_EQ(all.front().strangers.at(0).threads, 2);
}

TEST(Scenario, TheStoryHasEvents) {
  const Scenario story = shipped("story").at(0);
  ASSERT_EQ(story.events.size(), 2u);
  EXPECT_EQ(story.events[0].temperature_c, 60);
  EXPECT_EQ(story.events[1].application, "second network");
  EXPECT_EQ(story.strangers.at(0).processor, "gpu");
}

std::string message(const std::string& text) {
  try {
    parse_scenarios(text, "s.toml");
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(Scenario, ErrorsNameLineKeyAndWhatIsLegal) {
  const std::string head = "name = \"s\"\nboard = \"b\"\nduration_s = 10\n";
  const std::string app = "[[application]]\nname = \"a\"\nmodel = \"m\"\nwork_ms = 5\n";
  const std::string arrivals = "arrivals = { kind = \"periodic\", period_ms = 20 }\n";
  EXPECT_EQ(message(head + app + arrivals), "");
  EXPECT_NE(message(head).find("no [[application]]"), std::string::npos);
  EXPECT_NE(message(head + app + "arrivals = { kind = \"never\" }\n").find(R"("periodic", "poisson", "bursts")"),
            std::string::npos);
  EXPECT_NE(message(head + app + arrivals + "colour = 3\n").find("colour: no such key; legal keys here are"),
            std::string::npos);
  EXPECT_NE(message(head + app + "arrivals = { kind = \"poisson\", rate_hz = 3 }\n").find("has no deadline"),
            std::string::npos);
  EXPECT_NE(message(head + "warmup_s = 10\n" + app + arrivals).find("warmup_s is 10"), std::string::npos);
  EXPECT_NE(message(head + app + arrivals + "[[event]]\nkind = \"target\"\nat_s = 1\napplication = \"b\"\n" +
                    "deadline_ms = 3\n")
                .find("'b', which is not there"),
            std::string::npos);
  EXPECT_NE(message("name = \n").find("s.toml:1"), std::string::npos);
  EXPECT_NE(message(head + app + arrivals + "colour = 3\n").find("s.toml:9: application.colour"), std::string::npos);
}

TEST(Scenario, LinesAreKnownAfterASweepToo) {
  const std::string head = "name = \"s\"\nboard = \"b\"\nduration_s = 10\n";
  const std::string app = "[[application]]\nname = \"a\"\nmodel = \"m\"\nwork_ms = [5, 6]\n";
  const std::string arrivals = "arrivals = { kind = \"periodic\", period_ms = [20, -3] }\n";
  EXPECT_EQ(parse_scenarios(head + app + "arrivals = { kind = \"periodic\", period_ms = [20, 30] }\n", "s.toml").size(),
            4u);
  const std::string swept = message(head + app + arrivals);  // the wrong value is one of a list
  EXPECT_NE(swept.find("s.toml:8: application.arrivals.period_ms: legal is a number from 0.1 to 1"), std::string::npos)
      << swept;
  const std::string beside = message(head + app + "arrivals = { kind = \"periodic\", period_ms = 20 }\ncolour = 3\n");
  EXPECT_NE(beside.find("s.toml:9: application.colour: no such key"), std::string::npos) << beside;
  std::string many;
  for (int i = 0; i < 1001; ++i) many += "1,";
  EXPECT_NE(message(head + "seed = [" + many + "]\n").find("more than 1000 scenarios"), std::string::npos);
}

}  // namespace
}  // namespace limber::tool
