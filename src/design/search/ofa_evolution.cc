// SPDX-License-Identifier: Apache-2.0
// Once-for-all's evolution (Cai et al., ICLR 2020), as Dynamic-OFA (Lou et al., arXiv 2105.03596) uses it: the most
// accurate sub-network under a cost limit, once for each limit.
#include <algorithm>
#include <cmath>

#include "design/search/algorithms.h"

namespace limber {
namespace {

constexpr int kTries = 100;

// Under the limit: a uniform choice, or where these are hardly ever, one that is made smaller value by value.
std::optional<Choice> feasible_sample(const Evaluator& evaluator, double limit, Random& random) {
  const ChoiceSpace& space = evaluator.space();
  Choice choice;
  for (int i = 0; i < kTries; ++i) {
    choice = space.sample(random);
    if (evaluator.cost(choice) <= limit) return choice;
  }
  std::vector<std::size_t> order(choice.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random.below(i)]);
  for (const std::size_t dimension : order) {
    Choice smaller = choice;
    smaller[dimension] = space.values()[dimension].front();
    const auto legal = space.canonical(smaller);
    if (!legal) continue;
    choice = *legal;
    if (evaluator.cost(choice) <= limit) return choice;
  }
  return std::nullopt;
}

template <typename Make>
Choice feasible_child(const Evaluator& evaluator, double limit, const Choice& parent, Make&& make) {
  for (int i = 0; i < kTries; ++i) {
    Choice child = make();
    if (evaluator.cost(child) <= limit) return child;
  }
  return parent;
}

void evolve(Evaluator& evaluator, const SearchSettings& settings, double limit, int64_t budget, Random& random) {
  const ChoiceSpace& space = evaluator.space();
  const int64_t end = std::max<int64_t>(0, evaluator.left() - budget);
  const auto size = static_cast<std::size_t>(settings.population);
  const auto part = [size](double ratio) {
    return static_cast<std::size_t>(std::lround(ratio * static_cast<double>(size)));
  };
  const std::size_t survivors = std::max<std::size_t>(1, part(settings.parent_ratio)),
                    mutated = part(settings.mutation_ratio);
  std::vector<Evaluated> population;
  const auto add = [&](const Choice& choice) {
    if (const auto objectives = evaluator.evaluate(choice)) population.push_back({choice, *objectives});
  };
  const auto spent = [&] { return evaluator.ended() || evaluator.left() <= end; };
  for (std::size_t i = 0; i < size && !spent(); ++i) {
    const auto choice = feasible_sample(evaluator, limit, random);
    if (!choice) return;  // not even the smallest sub-network keeps this limit
    add(*choice);
  }
  for (int64_t generation = 0, idle = 0; generation < settings.generations && idle < 20 && !spent(); ++generation) {
    std::stable_sort(population.begin(), population.end(), [](const Evaluated& a, const Evaluated& b) {
      return a.objectives.accuracy > b.objectives.accuracy;
    });
    population.resize(std::min(population.size(), survivors));
    const std::vector<Evaluated> parents = population;
    const int64_t before = evaluator.left();
    for (std::size_t i = 0; i < size && !spent(); ++i) {
      const Choice& parent = random.pick(parents).choice;
      add(feasible_child(evaluator, limit, parent, [&] {
        return i < mutated ? space.mutate(parent, settings.mutation_probability, random)
                           : space.cross(parent, random.pick(parents).choice, random);
      }));
    }
    idle = evaluator.left() == before ? idle + 1 : 0;
  }
}

}  // namespace

void search_ofa(Evaluator& evaluator, const SearchSettings& settings, Random& random) {
  for_each_limit(evaluator, settings, random,
                 [&](double limit, int64_t budget) { evolve(evaluator, settings, limit, budget, random); });
}

}  // namespace limber
