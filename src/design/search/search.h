// SPDX-License-Identifier: Apache-2.0
// Searches for the sub-networks of least cost and most accuracy. Layer: design.
//
// One interface for four algorithms, so that they can be compared on one budget: the number of different sub-networks
// whose accuracy is asked for (costs come from a table or a sum and count nothing).
//   nsga2   the whole Pareto front in one run: NSGA-II (Deb et al., 2002). The default.
//   ofa     once-for-all's evolution (Cai et al., ICLR 2020), one run for each of a row of cost limits.
//   ddpnas  distribution pruning after DDPNAS (Zheng et al., arXiv 1905.13543): for each cost limit a categorical
//           distribution over every dimension's values follows the best samples; its least likely values are pruned
//           until one sub-network is left.
//   random  uniform choices.
// The same problem, settings and seed give the same result, on every machine where the problem's numbers are the same.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "design/search/choice_space.h"
#include "design/search/pareto.h"

namespace limber {

struct Evaluated {
  Choice choice;  // canonical
  Objectives objectives;
};

// Both functions are given legal canonical choices, from the thread that called search().
struct SearchProblem {
  const ChoiceSpace* space = nullptr;
  std::function<double(const Choice&)> cost;  // cheap: asked for several times for each accuracy
  std::function<double(const Choice&)> accuracy;
};

struct SearchSettings {
  std::string algorithm = "nsga2";
  int64_t budget = 50'000;  // accuracies
  uint64_t seed = 1;
  int64_t population = 100;
  // nsga2: a child has two parents with the first probability, and each of its values is drawn anew with the second;
  // 0: one value of each child on average.
  double crossover = 0.2, mutation = 0;
  // ofa and ddpnas: the number of cost limits, evenly spaced from the smallest sub-network's cost to the largest's.
  int64_t limits = 8;
  // ofa, as published: the share of a population that survives as parents, the share of the children that are mutated
  // (the others have two parents), the probability of each value to be drawn anew, generations for one limit.
  double parent_ratio = 0.25, mutation_ratio = 0.5, mutation_probability = 0.4;
  int64_t generations = 500;
};

struct SearchHooks {
  std::function<void(int64_t evaluated, int64_t budget)> progress;  // after each new evaluation
  std::function<bool()> stop;                                       // asked before each; true ends the search
  // Accuracies known from an earlier run of the same search: looked up instead of asked for. They count like any other,
  // so a search that is run again goes the same way and ends with the same result.
  const std::map<Choice, double>* known = nullptr;
};

enum class SearchEnd { kBudget, kStopped, kExhausted };  // exhausted: nothing new was found for a long time

struct SearchResult {
  std::vector<Evaluated> evaluated;  // in order
  std::vector<Evaluated> front;      // the Pareto points among them, ascending cost
  SearchEnd end = SearchEnd::kBudget;
};

std::vector<std::string> search_algorithms();

// Fails (kInvalidArgument) on an unknown algorithm or settings that make no sense, naming what is legal.
SearchResult search(const SearchProblem& problem, const SearchSettings& settings, const SearchHooks& hooks = {});

}  // namespace limber
