// SPDX-License-Identifier: Apache-2.0
#include "tool/simulate/compare.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "tool/simulate/generator.h"
#include "tool/simulate/report.h"
#include "tool/simulate/test_scenario.h"

namespace limber::tool {
namespace {

TEST(Compare, ThreadsChangeNothing) {
  Scenario scenario = camera_scenario(33.3);
  scenario.seeds = 3;
  const std::vector<std::string> policies = {"schedutil", "limber", "limber:like=schedutil", "oracle"};
  const std::string one = simulation_json({compare(scenario, policies, 1)}).dump();
  EXPECT_EQ(one, simulation_json({compare(scenario, policies, 3)}).dump());
}

TEST(Compare, LimberServesForLessThanGovernors) {
  Scenario scenario = camera_scenario(33.3, 12);
  scenario.seeds = 2;
  const ComparedScenario compared =
      compare(scenario, {"performance", "schedutil", "schedutil:threads=4", "limber", "oracle"}, 2);
  const std::vector<PolicyResult>& p = compared.policies;
  for (const PolicyResult& policy : p) EXPECT_TRUE(policy.serves()) << policy.name;
  for (std::size_t i = 0; i < 3; ++i) EXPECT_LT(p[3].energy_per_answer_mj, p[i].energy_per_answer_mj) << p[i].name;
  EXPECT_LT(p[4].energy_per_answer_mj, p[3].energy_per_answer_mj);
  EXPECT_LT(p[3].energy_per_answer_mj, 1.15 * p[4].energy_per_answer_mj);
}

TEST(Compare, LikeAnotherPolicyIsAsQuick) {
  const ComparedScenario compared =
      compare(camera_scenario(33.3, 12), {"schedutil", "limber:like=schedutil", "limber:within=schedutil"}, 2);
  const std::vector<PolicyResult>& p = compared.policies;
  EXPECT_LE(p[1].p95_ms, 1.02 * p[0].p95_ms);
  EXPECT_LT(p[1].energy_per_answer_mj, p[0].energy_per_answer_mj);
  EXPECT_LE(p[2].energy_per_answer_mj, p[0].energy_per_answer_mj);
  EXPECT_LT(p[2].mean_ms, p[0].mean_ms);
  EXPECT_NEAR(p[2].accuracy_answered, p[0].accuracy_answered, 1e-4);
}

TEST(Compare, TheBestSchedutilIsNotWorseThanTheDefault) {
  const ComparedScenario compared = compare(camera_scenario(40, 4), {"schedutil", "schedutil-best"}, 2);
  EXPECT_LE(compared.policies[1].energy_per_answer_mj, compared.policies[0].energy_per_answer_mj);
  EXPECT_EQ(compared.policies[1].best.rfind("schedutil:member=", 0), 0u);
}

// Whoever serves less than another cannot be better for its energy; starved strangers do not count as saved energy.
TEST(Compare, ServingComesFirst) {
  PolicyResult serves, misses, starves;
  serves.energy_per_answer_mj = 10;
  misses.energy_per_answer_mj = starves.energy_per_answer_mj = 1;
  misses.unserved = 0.02;
  starves.strangers_kept = 0.5;
  EXPECT_TRUE(better(serves, misses));
  EXPECT_TRUE(better(serves, starves));
  EXPECT_FALSE(better(misses, serves));
}

TEST(Policies, NamesAndSettings) {
  for (const char* legal :
       {"schedutil", "schedutil:member=cheapest,threads=2,clamp=512,rate=0.2,util_est=off", "performance:on=A15",
        "dynamic:threads=4", "dynamic-ofa", "alert:threads=2", "dvfs", "limber:aim=0.5", "oracle", "schedutil-best",
        "limber:like=schedutil-best", "limber:within=schedutil"})
    EXPECT_NO_THROW(check_policy(legal)) << legal;
  const auto message = [](const std::string& name) -> std::string {
    try {
      check_policy(name);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
      return error.what();
    }
    return "";
  };
  EXPECT_NE(message("turbo").find("no policy 'turbo'; legal: schedutil"), std::string::npos);
  EXPECT_NE(message("schedutil:rate=fast").find("rate is 'fast'; legal: a number"), std::string::npos);
  EXPECT_NE(message("limber:threads=2").find("no setting 'threads'; legal: aim"), std::string::npos);
  EXPECT_NE(message("schedutil:rate").find("found 'rate'; legal: KEY=VALUE"), std::string::npos);
  EXPECT_NE(message("limber:like=nothing").find("no policy 'nothing'"), std::string::npos);
}

TEST(RandomScenario, IsTheSameForASeedAndPlays) {
  for (uint64_t seed = 0; seed < 40; ++seed) {
    const Scenario a = random_scenario(seed), b = random_scenario(seed);
    ASSERT_EQ(a.applications.size(), b.applications.size());
    EXPECT_EQ(a.applications[0].work_ms, b.applications[0].work_ms);
    for (const Application& application : a.applications) EXPECT_GT(application.deadline(), 0) << a.name;
  }
  EXPECT_NE(random_scenario(1).applications[0].work_ms, random_scenario(2).applications[0].work_ms);
  Scenario short_one = random_scenario(3);
  short_one.duration_s = 4;
  const ComparedScenario compared = compare(short_one, {"limber"}, 1);
  EXPECT_GT(compared.policies[0].frames, 0);
}

}  // namespace
}  // namespace limber::tool
