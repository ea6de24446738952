// SPDX-License-Identifier: Apache-2.0
#include "design/search/search.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "design/search/algorithms.h"

namespace limber {
namespace {

using Algorithm = void (*)(Evaluator&, const SearchSettings&, Random&);

const std::vector<std::pair<std::string, Algorithm>>& algorithms() {
  static const std::vector<std::pair<std::string, Algorithm>> all = {
      {"nsga2", search_nsga2}, {"ofa", search_ofa}, {"ddpnas", search_ddpnas}, {"random", search_random}};
  return all;
}

void check_share(const char* name, double value) {
  if (!(value >= 0 && value <= 1)) fail(ErrorCode::kInvalidArgument, "search: {} is {}; legal: 0 to 1", name, value);
}

void check_count(const char* name, int64_t value, int64_t least, int64_t most) {
  if (value < least || value > most)
    fail(ErrorCode::kInvalidArgument, "search: {} is {}; legal: {} to {}", name, value, least, most);
}

void check_settings(const SearchSettings& settings) {
  check_count("budget", settings.budget, 1, 10'000'000);
  check_count("population", settings.population, 4, 100'000);
  check_count("limits", settings.limits, 1, 10'000);
  check_count("generations", settings.generations, 1, 1'000'000);
  check_share("crossover", settings.crossover);
  check_share("mutation", settings.mutation);
  check_share("parent_ratio", settings.parent_ratio);
  check_share("mutation_ratio", settings.mutation_ratio);
  check_share("mutation_probability", settings.mutation_probability);
}

}  // namespace

std::vector<std::string> search_algorithms() {
  std::vector<std::string> names;
  for (const auto& [name, algorithm] : algorithms()) names.push_back(name);
  return names;
}

SearchResult search(const SearchProblem& problem, const SearchSettings& settings, const SearchHooks& hooks) {
  check_settings(settings);
  const auto found = std::find_if(algorithms().begin(), algorithms().end(),
                                  [&](const auto& each) { return each.first == settings.algorithm; });
  if (found == algorithms().end()) {
    fail(ErrorCode::kInvalidArgument, "search: algorithm '{}' is unknown; legal: {}", settings.algorithm,
         fmt::join(search_algorithms(), ", "));
  }
  Evaluator evaluator(problem, settings, hooks);
  Random random(settings.seed);
  found->second(evaluator, settings, random);
  return evaluator.finish();
}

std::optional<Objectives> Evaluator::evaluate(const Choice& choice) {
  if (end_) return std::nullopt;
  if (const auto known = index_.find(choice); known != index_.end()) {
    if (++repeated_ > 100 * settings_.population) end_ = SearchEnd::kExhausted;
    return evaluated_[known->second].objectives;
  }
  if (left() <= 0) end_ = SearchEnd::kBudget;
  if (!end_ && hooks_.stop && hooks_.stop()) end_ = SearchEnd::kStopped;
  if (end_) return std::nullopt;
  repeated_ = 0;
  Objectives objectives;
  objectives.cost = problem_.cost(choice);
  const auto known = hooks_.known == nullptr ? std::map<Choice, double>::const_iterator() : hooks_.known->find(choice);
  objectives.accuracy =
      hooks_.known == nullptr || known == hooks_.known->end() ? problem_.accuracy(choice) : known->second;
  if (!std::isfinite(objectives.cost) || !std::isfinite(objectives.accuracy)) {
    fail(ErrorCode::kInvalidArgument, "search: cost {} and accuracy {} of {}; legal: finite numbers", objectives.cost,
         objectives.accuracy, to_string(space().space(), choice));
  }
  index_[choice] = evaluated_.size();
  evaluated_.push_back({choice, objectives});
  if (hooks_.progress) hooks_.progress(static_cast<int64_t>(evaluated_.size()), settings_.budget);
  if (left() <= 0) end_ = SearchEnd::kBudget;
  return objectives;
}

SearchResult Evaluator::finish() {
  SearchResult result;
  std::vector<Objectives> points;
  for (const Evaluated& each : evaluated_) points.push_back(each.objectives);
  for (const std::size_t index : pareto_front(points)) result.front.push_back(evaluated_[index]);
  result.evaluated = std::move(evaluated_);
  result.end = end_.value_or(SearchEnd::kExhausted);
  return result;
}

void search_random(Evaluator& evaluator, const SearchSettings&, Random& random) {
  while (!evaluator.ended()) evaluator.evaluate(evaluator.space().sample(random));
}

void for_each_limit(Evaluator& evaluator, const SearchSettings& settings, Random& random,
                    const std::function<void(double limit, int64_t budget)>& run) {
  std::vector<double> costs;
  for (const auto& extreme : {evaluator.space().smallest(), evaluator.space().largest()}) {
    if (!extreme) continue;
    if (const auto objectives = evaluator.evaluate(*extreme)) costs.push_back(objectives->cost);
  }
  while (costs.size() < 2 && !evaluator.ended()) {  // the extremes are illegal: what a few samples span will do
    for (int64_t i = 0; i < settings.population && !evaluator.ended(); ++i) {
      if (const auto objectives = evaluator.evaluate(evaluator.space().sample_spread(random)))
        costs.push_back(objectives->cost);
    }
  }
  if (evaluator.ended()) return;
  const auto [low, high] = std::minmax_element(costs.begin(), costs.end());
  for (bool first = true; !evaluator.ended(); first = false) {
    const int64_t before = evaluator.left();
    const double back = first ? 0 : random.uniform();
    for (int64_t i = 0; i < settings.limits && !evaluator.ended(); ++i) {
      const double share = (static_cast<double>(i + 1) - back) / static_cast<double>(settings.limits);
      const int64_t after = settings.limits - i;
      run(*low + (*high - *low) * share, (evaluator.left() + after - 1) / after);
    }
    if (evaluator.left() == before) return;  // not one new sub-network in a whole row of limits
  }
}

}  // namespace limber
