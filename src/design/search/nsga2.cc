// SPDX-License-Identifier: Apache-2.0
// NSGA-II (Deb, Pratap, Agarwal, Meyarivan: A Fast and Elitist Multiobjective Genetic Algorithm, 2002) over choices.
#include <algorithm>
#include <numeric>

#include "design/search/algorithms.h"

namespace limber {
namespace {

constexpr int kNewTries = 5;  // draws for a child that was not evaluated yet

// The fittest of a population: lower rank, and in one rank those with more room around them.
class Population {
 public:
  explicit Population(std::vector<Evaluated> members) : members_(std::move(members)) {
    std::vector<Objectives> points;
    for (const Evaluated& member : members_) points.push_back(member.objectives);
    ranks_ = pareto_ranks(points);
    crowding_ = crowding_distances(points, ranks_);
  }

  bool empty() const { return members_.empty(); }
  const std::vector<Evaluated>& members() const { return members_; }

  const Choice& tournament(Random& random) const {
    const auto a = static_cast<std::size_t>(random.below(members_.size()));
    const auto b = static_cast<std::size_t>(random.below(members_.size()));
    return members_[fitter(b, a) ? b : a].choice;
  }

  std::vector<Evaluated> best(std::size_t count) const {
    std::vector<std::size_t> order(members_.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [this](std::size_t a, std::size_t b) { return fitter(a, b); });
    order.resize(std::min(count, order.size()));
    std::vector<Evaluated> best;
    for (const std::size_t index : order) best.push_back(members_[index]);
    return best;
  }

 private:
  bool fitter(std::size_t a, std::size_t b) const {
    return ranks_[a] != ranks_[b] ? ranks_[a] < ranks_[b] : crowding_[a] > crowding_[b];
  }

  std::vector<Evaluated> members_;
  std::vector<int> ranks_;
  std::vector<double> crowding_;
};

void add(std::vector<Evaluated>& members, const Choice& choice, Evaluator& evaluator) {
  if (const auto objectives = evaluator.evaluate(choice)) members.push_back({choice, *objectives});
}

// From the smallest to the largest: a front that lacks its ends is slow to find them.
std::vector<Evaluated> first_generation(Evaluator& evaluator, std::size_t size, Random& random) {
  std::vector<Evaluated> members;
  for (const auto& extreme : {evaluator.space().smallest(), evaluator.space().largest()}) {
    if (extreme && !evaluator.seen(*extreme)) add(members, *extreme, evaluator);
  }
  for (std::size_t i = 0; members.size() < size && i < 20 * size && !evaluator.ended(); ++i) {
    const Choice choice = evaluator.space().sample_spread(random);
    if (!evaluator.seen(choice)) add(members, choice, evaluator);
  }
  return members;
}

Choice child_of(const Population& population, const ChoiceSpace& space, const SearchSettings& settings, double mutation,
                Random& random) {
  const Choice& mother = population.tournament(random);
  if (!random.chance(settings.crossover)) return space.mutate(mother, mutation, random);
  return space.mutate(space.cross(mother, population.tournament(random), random), mutation, random);
}

}  // namespace

void search_nsga2(Evaluator& evaluator, const SearchSettings& settings, Random& random) {
  const ChoiceSpace& space = evaluator.space();
  const auto size = static_cast<std::size_t>(settings.population);
  const auto dimensions = static_cast<double>(std::max<std::size_t>(1, space.values().size()));
  const double mutation = settings.mutation > 0 ? settings.mutation : 1 / dimensions;
  Population parents(first_generation(evaluator, size, random));
  while (!evaluator.ended() && !parents.empty()) {
    std::vector<Evaluated> all = parents.members();
    for (std::size_t i = 0; i < size && !evaluator.ended(); ++i) {
      Choice child = child_of(parents, space, settings, mutation, random);
      for (int t = 1; t < kNewTries && evaluator.seen(child); ++t)
        child = child_of(parents, space, settings, mutation, random);
      if (evaluator.seen(child))
        evaluator.evaluate(child);  // counts as a repetition: too many of these end the search
      else
        add(all, child, evaluator);
    }
    parents = Population(Population(std::move(all)).best(size));
  }
}

}  // namespace limber
