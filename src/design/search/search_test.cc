// SPDX-License-Identifier: Apache-2.0
#include "design/search/search.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "base/error.h"
#include "formats/graph_json.h"

namespace limber {
namespace {

// A chain of 10 layers with 4 widths each: 4^10 choices. Cost is the sum of the widths; accuracy saturates, some layers
// are worth more than others. The exact front is known from a sum over layers: see best().
Graph chain() {
  std::string dimensions, nodes = R"({"name": "image", "op": "input", "channels": 4, "height": 4, "width": 4})";
  std::string before = "image";
  for (int i = 0; i < 10; ++i) {
    const std::string name = fmt::format("layer{}", i);
    dimensions += fmt::format(R"({}{{"name": "width{}", "choices": [1, 2, 3, 4]}})", i ? "," : "", i);
    nodes += fmt::format(
        R"(,{{"name": "{}", "op": "conv2d", "inputs": ["{}"], "weight": "{}",
           "channels": {{"by": ["width{}"], "table": [[[1], 1], [[2], 2], [[3], 3], [[4], 4]]}}}})",
        name, before, name, i);
    before = name;
  }
  return parse_graph(R"({"format": "limber-graph", "version": 1, "name": "chain", "space": {"dimensions": [)" +
                         dimensions + "]}, \"nodes\": [" + nodes + "]}",
                     "chain");
}

double cost(const Choice& choice) {
  double sum = 0;
  for (const int64_t width : choice) sum += static_cast<double>(width);
  return sum;
}

double accuracy(const Choice& choice) {
  double sum = 0;
  for (std::size_t i = 0; i < choice.size(); ++i)
    sum += (1 + static_cast<double>(i)) * std::sqrt(static_cast<double>(choice[i] - 1));
  return sum / 100;
}

struct Fixture {
  ChoiceSpace space{chain()};
  SearchProblem problem{&space, cost, accuracy};
  SearchSettings settings;
  Fixture() {
    settings.budget = 2000;
    settings.population = 40;
    settings.limits = 4;
  }
};

std::vector<Objectives> objectives(const std::vector<Evaluated>& points) {
  std::vector<Objectives> result;
  for (const Evaluated& point : points) result.push_back(point.objectives);
  return result;
}

bool same(const SearchResult& a, const SearchResult& b) {
  return a.evaluated.size() == b.evaluated.size() &&
         std::equal(a.evaluated.begin(), a.evaluated.end(), b.evaluated.begin(),
                    [](const auto& x, const auto& y) { return x.choice == y.choice && x.objectives == y.objectives; });
}

class EverySearch : public testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Algorithms, EverySearch, testing::ValuesIn(search_algorithms()),
                         [](const auto& parameter) { return parameter.param; });

TEST_P(EverySearch, SpendsItsBudgetOnDifferentSubNetworks) {
  Fixture f;
  f.settings.algorithm = GetParam();
  const SearchResult result = search(f.problem, f.settings);
  EXPECT_EQ(result.end, SearchEnd::kBudget);
  EXPECT_EQ(result.evaluated.size(), 2000u);
  std::set<Choice> different;
  for (const Evaluated& each : result.evaluated) {
    different.insert(each.choice);
    EXPECT_EQ(each.objectives, (Objectives{cost(each.choice), accuracy(each.choice)}));
  }
  EXPECT_EQ(different.size(), 2000u);
  const std::vector<Objectives> all = objectives(result.evaluated);
  ASSERT_EQ(result.front.size(), pareto_front(all).size());
  for (const Evaluated& point : result.front) {
    for (const Objectives& other : all) EXPECT_FALSE(dominates(other, point.objectives));
  }
}

TEST_P(EverySearch, TheSeedDecides) {
  Fixture f;
  f.settings.algorithm = GetParam();
  f.settings.budget = 500;
  const SearchResult once = search(f.problem, f.settings);
  EXPECT_TRUE(same(once, search(f.problem, f.settings)));
  f.settings.seed = 2;
  EXPECT_FALSE(same(once, search(f.problem, f.settings)));
}

// Stopped anywhere, a search that is told what it knew goes on to the same end and asks for nothing twice.
TEST_P(EverySearch, GoesOnFromWhatIsKnown) {
  Fixture f;
  f.settings.algorithm = GetParam();
  f.settings.budget = 500;
  const SearchResult whole = search(f.problem, f.settings);
  int64_t asked = 0;
  SearchHooks hooks;
  hooks.progress = [&asked](int64_t evaluated, int64_t) { asked = evaluated; };
  hooks.stop = [&asked] { return asked == 137; };
  const SearchResult part = search(f.problem, f.settings, hooks);
  EXPECT_EQ(part.end, SearchEnd::kStopped);
  EXPECT_EQ(part.evaluated.size(), 137u);
  std::map<Choice, double> known;
  for (const Evaluated& each : part.evaluated) known[each.choice] = each.objectives.accuracy;
  int64_t calls = 0;
  f.problem.accuracy = [&calls](const Choice& choice) { return ++calls, accuracy(choice); };
  EXPECT_TRUE(same(whole, search(f.problem, f.settings, {.progress = {}, .stop = {}, .known = &known})));
  EXPECT_EQ(calls, 500 - 137);
}

TEST_P(EverySearch, EndsWhenNothingIsNew) {
  Fixture f;
  for (int i = 2; i < 10; ++i) f.space.restrict_to(fmt::format("width{}", i), {1});  // 16 choices are left
  f.settings.algorithm = GetParam();
  const SearchResult result = search(f.problem, f.settings);
  EXPECT_EQ(result.end, SearchEnd::kExhausted);
  EXPECT_EQ(result.front.size(), 7u);  // one for each sum of two widths
}

// The best accuracy for each cost, by dynamic programming.
std::vector<Objectives> best() {
  std::vector<double> at(41, -1);
  at[0] = 0;
  for (int i = 0; i < 10; ++i) {
    std::vector<double> next(41, -1);
    for (std::size_t sum = 0; sum < 41; ++sum) {
      for (std::size_t width = 1; width <= 4 && sum + width < 41; ++width) {
        if (at[sum] >= 0)
          next[sum + width] =
              std::max(next[sum + width], at[sum] + (1 + i) * std::sqrt(static_cast<double>(width - 1)));
      }
    }
    at = next;
  }
  std::vector<Objectives> front;
  for (std::size_t sum = 10; sum < 41; ++sum) front.push_back({static_cast<double>(sum), at[sum] / 100});
  return front;
}

TEST(Search, Nsga2FindsTheWholeFront) {
  const Objectives reference{41, 0};
  const double exact = hypervolume(best(), reference);
  for (uint64_t seed = 1; seed <= 3; ++seed) {
    Fixture f;
    f.settings.seed = seed;
    f.settings.budget = 6000;
    EXPECT_GT(hypervolume(objectives(search(f.problem, f.settings).front), reference), 0.999 * exact);
  }
}

TEST(Search, GuidedSearchesBeatRandom) {
  const Objectives reference{41, 0};
  Fixture f;
  f.settings.algorithm = "random";
  const double random = hypervolume(objectives(search(f.problem, f.settings).front), reference);
  for (const char* algorithm : {"nsga2", "ofa", "ddpnas"}) {
    f.settings.algorithm = algorithm;
    EXPECT_GT(hypervolume(objectives(search(f.problem, f.settings).front), reference), 1.03 * random) << algorithm;
  }
}

TEST(Search, RefusesSettingsThatMakeNoSense) {
  Fixture f;
  const auto message = [&f] {
    try {
      search(f.problem, f.settings);
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string("nothing");
  };
  f.settings.algorithm = "magic";
  EXPECT_EQ(message(), "search: algorithm 'magic' is unknown; legal: nsga2, ofa, ddpnas, random");
  f.settings.algorithm = "nsga2";
  f.settings.budget = 0;
  EXPECT_EQ(message(), "search: budget is 0; legal: 1 to 10000000");
  f.settings.budget = 10;
  f.problem.accuracy = [](const Choice&) { return std::nan(""); };
  EXPECT_NE(message().find("legal: finite numbers"), std::string::npos);
}

}  // namespace
}  // namespace limber
