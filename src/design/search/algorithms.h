// SPDX-License-Identifier: Apache-2.0
// What the algorithms of search.h share. Layer: design (search only).
#pragma once
#include <optional>

#include "design/search/search.h"

namespace limber {

// Evaluates each sub-network once, counts, and says when to end.
class Evaluator {
 public:
  Evaluator(const SearchProblem& problem, const SearchSettings& settings, const SearchHooks& hooks)
      : problem_(problem), settings_(settings), hooks_(hooks) {}

  const ChoiceSpace& space() const { return *problem_.space; }
  bool seen(const Choice& choice) const { return index_.contains(choice); }
  double cost(const Choice& choice) const { return problem_.cost(choice); }
  // nullopt: the search has ended, return.
  std::optional<Objectives> evaluate(const Choice& choice);
  bool ended() const { return end_.has_value(); }
  int64_t left() const { return settings_.budget - static_cast<int64_t>(evaluated_.size()); }
  SearchResult finish();

 private:
  const SearchProblem& problem_;
  const SearchSettings& settings_;
  const SearchHooks& hooks_;
  std::vector<Evaluated> evaluated_;
  std::map<Choice, std::size_t> index_;
  int64_t repeated_ = 0;  // evaluations of known sub-networks since the last new one
  std::optional<SearchEnd> end_;
};

// Each runs until the evaluator has ended.
void search_nsga2(Evaluator& evaluator, const SearchSettings& settings, Random& random);
void search_ofa(Evaluator& evaluator, const SearchSettings& settings, Random& random);
void search_ddpnas(Evaluator& evaluator, const SearchSettings& settings, Random& random);
void search_random(Evaluator& evaluator, const SearchSettings& settings, Random& random);

// For algorithms that search under one cost limit: calls run(limit, budget) for a row of limits between the costs of
// the smallest and the largest sub-network, ascending, with an equal share of the budget each; again, with limits in
// between, while budget is left.
void for_each_limit(Evaluator& evaluator, const SearchSettings& settings, Random& random,
                    const std::function<void(double limit, int64_t budget)>& run);

}  // namespace limber
