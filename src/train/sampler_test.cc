// SPDX-License-Identifier: Apache-2.0
#include "train/sampler.h"

#include <gtest/gtest.h>

#include <set>

#include "base/error.h"
#include "train/test_networks.h"

namespace limber::train {
namespace {

TEST(Sampler, TheSandwichIsLargestSmallestAndRandomOnesOfTheSeed) {
  const DesignSpace space = tiny_super_graph().space;
  Random one(7), same(7), other(8);
  const std::vector<Choice> choices = sample(space, Sample::kSandwich, 4, one);
  ASSERT_EQ(choices.size(), 4u);
  EXPECT_EQ(choices[0], largest_choice(space));
  EXPECT_EQ(choices[1], smallest_choice(space));
  EXPECT_EQ(choices, sample(space, Sample::kSandwich, 4, same));
  EXPECT_NE(choices, sample(space, Sample::kSandwich, 4, other));
  EXPECT_EQ(sample(space, Sample::kLargest, 4, one), (std::vector<Choice>{largest_choice(space)}));
}

TEST(Sampler, RandomOnesReachTheWholeSpaceAndNothingElse) {
  const DesignSpace space = tiny_super_graph().space;
  Random random(1);
  std::set<Choice> seen;
  for (const Choice& choice : sample(space, Sample::kRandom, 1000, random)) {
    check_choice(space, choice);
    seen.insert(choice);
  }
  EXPECT_EQ(seen.size(), 64u);
}

TEST(Sampler, ARestrictedSpaceHasFewerChoices) {
  const DesignSpace space = tiny_super_graph().space;
  const DesignSpace left = restricted(space, "*.kernel=5,depth>=2,block1.expand<=4", "here");
  EXPECT_EQ(left.dimensions[1].choices, (std::vector<int64_t>{2}));
  EXPECT_EQ(left.dimensions[2].choices, (std::vector<int64_t>{4}));
  EXPECT_EQ(left.dimensions[3].choices, (std::vector<int64_t>{5}));
  EXPECT_EQ(left.dimensions[4].choices, (std::vector<int64_t>{4, 8}));
  EXPECT_EQ(left.dimensions[5].choices, (std::vector<int64_t>{5}));
  const std::pair<const char*, const char*> wrong[] = {
      {"width=3", "no dimension is called 'width'; legal: resolution"},
      {"*.kernel=4", "leaves no choice; legal for 'block1.kernel': 3, 5"},
      {"depth", "'depth' is not of the form"},
      {"depth>2", "'depth>2' is not of the form"}};
  for (const auto& [pattern, says] : wrong) {
    try {
      restricted(space, pattern, "r.toml:9: phase.space");
      FAIL() << pattern;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kBadFile);
      EXPECT_NE(std::string(error.what()).find(says), std::string::npos) << error.what();
      EXPECT_TRUE(std::string(error.what()).starts_with("r.toml:9: phase.space")) << error.what();
    }
  }
}

}  // namespace
}  // namespace limber::train
