// SPDX-License-Identifier: Apache-2.0
#include "train/recipe.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace limber::train {
namespace {

const char kGood[] = R"(name = "tiny"
network = "../networks/tiny.json"
[data]
name = "shapes"
mean = [0.5, 0.5, 0.5]
deviation = [0.25, 0.25, 0.25]
[training]
epochs = [3, 2]
learning_rate = 0.2
warm_up = 0.5
loss = "mixed"
optimizer = "muon"
muon_rate = 0.25
[[member]]
name = "50%"
choice = "groups=1"
[[member]]
name = "100%"
choice = "groups=2"
)";

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  text.replace(text.find(from), from.size(), to);
  return text;
}

std::string message(const std::string& text) {
  try {
    parse_recipe(text, "recipes/tiny.toml");
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kBadFile);
    return error.what();
  }
  return "accepted";
}

TEST(Recipe, ReadsEveryKey) {
  const Recipe recipe = parse_recipe(kGood, "recipes/tiny.toml");
  EXPECT_EQ(recipe.network, "networks/tiny.json");
  EXPECT_EQ(recipe.epochs, (std::vector<int64_t>{3, 2}));
  EXPECT_EQ(recipe.loss, Loss::kMixed);
  EXPECT_EQ(recipe.optimizer, Optimizer::kMuon);
  EXPECT_DOUBLE_EQ(recipe.muon_rate, 0.25);
  ASSERT_EQ(recipe.members.size(), 2u);
  EXPECT_EQ(recipe.members[1].choice, "groups=2");
  EXPECT_DOUBLE_EQ(learning_rate_at(recipe.learning_rate, recipe.warm_up, recipe.schedule, 0), 0.01);
  EXPECT_DOUBLE_EQ(learning_rate_at(recipe.learning_rate, recipe.warm_up, recipe.schedule, 0.5), 0.2);
  EXPECT_DOUBLE_EQ(learning_rate_at(recipe.learning_rate, recipe.warm_up, recipe.schedule, 0.75), 0.1);
}

struct Wrong {
  const char *from, *to, *says;
};

void expect_messages(const char* good, const std::vector<Wrong>& cases) {
  for (const Wrong& wrong : cases) {
    const std::string said = message(replaced(good, wrong.from, wrong.to));
    EXPECT_NE(said.find(wrong.says), std::string::npos) << wrong.to << " -> " << said;
  }
}

TEST(Recipe, SaysWhatIsWrongAndWhatIsLegal) {
  expect_messages(
      kGood,
      {
          {"loss = ", "losss = ",
           "recipes/tiny.toml:11: training.losss: no such key; legal keys here are epochs, loss,"},
          {"\"mixed\"", "\"both\"",
           "recipes/tiny.toml:11: training.loss: legal is one of \"own\", \"sum\", \"mean\", \"mixed\""},
          {"rate = 0.2", "rate = \"fast\"", "recipes/tiny.toml:9: training.learning_rate: legal is a number from"},
          {"\"muon\"", "\"adam\"", "recipes/tiny.toml:12: training.optimizer: legal is one of \"sgd\", \"muon\""},
          {"warm_up = 0.5", "warm_up = 2", "training.warm_up: legal is a number from 0 to 0.99, not 2"},
          {"[3, 2]", "[3, 2, 1]", "training.epochs has 3 values for 2 members"},
          {"[3, 2]", "[3, 2.5]", "training.epochs: legal is an integer from 1 to 10000"},
          {"mean = [0.5, 0.5, 0.5]", "", "data.mean is missing"},
          {"mean = [0.5, ", "mean = [", "data.mean has 2 values and data.deviation 3"},
          {"choice = \"groups=1\"", "groups = 1", "member.choice is missing"},
          {"[training]", "[training", "recipes/tiny.toml:7: not TOML"},
          {"name = \"tiny\"", "", "recipes/tiny.toml: name is missing; a recipe has name, network, [data] with"},
      });
}

const char kSuper[] = R"(name = "tiny"
network = "../networks/tiny.json"
[data]
name = "shapes"
mean = [0.5, 0.5, 0.5]
deviation = [0.25, 0.25, 0.25]
[training]
learning_rate = 0.2
[[phase]]
epochs = 3
sample = "largest"
[[phase]]
epochs = 2
learning_rate = 0.05
teacher = "previous"
hard = 0.5
sort = true
space = "*.kernel=7"
[[member]]
name = "largest"
choice = "d=4"
)";

TEST(Recipe, ReadsThePhasesOfASuperNetwork) {
  const Recipe recipe = parse_recipe(kSuper, "recipes/tiny.toml");
  ASSERT_EQ(recipe.phases.size(), 2u);
  EXPECT_EQ(recipe.phases[0].sample, Sample::kLargest);
  EXPECT_DOUBLE_EQ(recipe.phases[0].learning_rate, 0.2);
  EXPECT_EQ(recipe.phases[1].sample, Sample::kSandwich);
  EXPECT_EQ(recipe.phases[1].teacher, Teacher::kPrevious);
  EXPECT_DOUBLE_EQ(recipe.phases[1].hard, 0.5);
  EXPECT_TRUE(recipe.phases[1].sort);
  EXPECT_EQ(recipe.phases[1].space, "*.kernel=7");
  EXPECT_EQ(recipe.phases[1].line, 12);
}

TEST(Recipe, SaysWhatIsWrongWithAPhase) {
  expect_messages(
      kSuper,
      {
          {"\"largest\"\n[[", "\"biggest\"\n[[",
           "tiny.toml:11: phase.sample: legal is one of \"largest\", \"sandwich\", \"random\""},
          {"teacher = \"previous\"", "teacher = \"me\"", "tiny.toml:15: phase.teacher: legal is one of \"none\""},
          {"hard = 0.5", "hard = 2", "tiny.toml:16: phase.hard: legal is a number from 0 to 1, not 2"},
          {"sort = true", "subnets = 1", "tiny.toml:17: phase.subnets: legal is 2 or more"},
          {"epochs = 3", "epoch = 3", "phase.epochs is missing"},
          {"[training]", "[training]\nloss = \"own\"", "tiny.toml:8: training.loss: no such key"},
      });
}

TEST(Recipe, AnEmptyFileIsToldTheWholeForm) {
  for (const char* text : {"", "# nothing yet\n"}) {
    EXPECT_NE(
        message(text).find("this recipe is empty: name, network, data, training, member are missing; a recipe has"),
        std::string::npos)
        << message(text);
  }
  EXPECT_NE(message("[package]\nname = 1\n").find("tiny.toml: name, network, data"), std::string::npos);
}

TEST(Recipe, MissingFileIsNotFound) {
  try {
    read_recipe("/nowhere/x.toml");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kNotFound);
  }
}

}  // namespace
}  // namespace limber::train
