// SPDX-License-Identifier: Apache-2.0
// Distribution pruning, after DDPNAS (Zheng et al.: Dynamic Distribution Pruning for Efficient Network Architecture
// Search, arXiv 1905.13543). The paper updates its distribution while weights are trained; here accuracies come from a
// predictor, so the distribution follows the best quarter of each round's samples. A cost limit makes it one point of a
// front: samples above the limit are ranked behind the others, by cost, and cost no evaluation.
#include <algorithm>

#include "design/search/algorithms.h"

namespace limber {
namespace {

constexpr double kRate = 0.5;  // how fast shares follow the samples

class Distribution {
 public:
  explicit Distribution(const ChoiceSpace& space) : space_(space) {
    for (const auto& values : space.values())
      shares_.emplace_back(values.size(), 1 / static_cast<double>(values.size()));
  }

  std::optional<Choice> draw(Random& random) const {
    Choice choice;
    for (std::size_t d = 0; d < shares_.size(); ++d) {
      double rest = random.uniform();
      std::size_t value = 0;
      while (value + 1 < shares_[d].size() && (shares_[d][value] <= 0 || rest >= shares_[d][value])) {
        rest -= shares_[d][value];
        ++value;
      }
      while (shares_[d][value] <= 0) --value;  // rounding left a rest behind the last one
      choice.push_back(space_.values()[d][value]);
    }
    return space_.canonical(choice);
  }

  // Towards the frequencies of the values in these choices, where the values matter.
  void follow(const std::vector<Choice>& best) {
    std::vector<std::vector<double>> counts;
    for (const auto& shares : shares_) counts.emplace_back(shares.size(), 0);
    std::vector<double> sums(shares_.size(), 0);
    for (const Choice& choice : best) {
      const std::vector<bool> live = space_.live(choice);
      for (std::size_t d = 0; d < choice.size(); ++d) {
        const auto& values = space_.values()[d];
        if (!live[d]) continue;
        counts[d][static_cast<std::size_t>(std::find(values.begin(), values.end(), choice[d]) - values.begin())] += 1;
        sums[d] += 1;
      }
    }
    for (std::size_t d = 0; d < shares_.size(); ++d) {
      if (sums[d] == 0) continue;
      for (std::size_t v = 0; v < shares_[d].size(); ++v) {
        if (shares_[d][v] > 0) shares_[d][v] = (1 - kRate) * shares_[d][v] + kRate * counts[d][v] / sums[d];
      }
      normalise(d);
    }
  }

  // Of each dimension with more than one value left, the least likely one goes.
  void prune() {
    for (std::size_t d = 0; d < shares_.size(); ++d) {
      if (left(d) < 2) continue;
      auto least = shares_[d].end();
      for (auto share = shares_[d].begin(); share != shares_[d].end(); ++share) {
        if (*share > 0 && (least == shares_[d].end() || *share < *least)) least = share;
      }
      *least = 0;
      normalise(d);
    }
  }

  int64_t prunings() const {  // until one sub-network is left
    int64_t most = 0;
    for (std::size_t d = 0; d < shares_.size(); ++d) most = std::max(most, left(d) - 1);
    return most;
  }

 private:
  int64_t left(std::size_t d) const {
    return std::count_if(shares_[d].begin(), shares_[d].end(), [](double share) { return share > 0; });
  }

  void normalise(std::size_t d) {
    double sum = 0;
    for (const double share : shares_[d]) sum += share;
    for (double& share : shares_[d]) share /= sum;
  }

  const ChoiceSpace& space_;
  std::vector<std::vector<double>> shares_;  // of each dimension's values; 0: pruned
};

struct Sample {
  Choice choice;
  bool feasible = false;
  Objectives objectives;  // of an infeasible one only the cost
};

bool better(const Sample& a, const Sample& b) {
  if (a.feasible != b.feasible) return a.feasible;
  return a.feasible ? a.objectives.accuracy > b.objectives.accuracy : a.objectives.cost < b.objectives.cost;
}

// One round of samples, the best of which the distribution follows. False: the search has ended.
bool round(Evaluator& evaluator, Distribution& distribution, double limit, int64_t size, Random& random) {
  std::vector<Sample> samples;
  for (int64_t i = 0; i < size; ++i) {
    const auto choice = distribution.draw(random);
    if (!choice) continue;
    Sample sample{*choice, false, {evaluator.cost(*choice), 0}};
    sample.feasible = sample.objectives.cost <= limit;
    if (sample.feasible) {
      const auto objectives = evaluator.evaluate(*choice);
      if (!objectives) return false;
      sample.objectives = *objectives;
    }
    samples.push_back(std::move(sample));
  }
  std::stable_sort(samples.begin(), samples.end(), better);
  samples.resize((samples.size() + 3) / 4);  // the best quarter
  std::vector<Choice> best;
  for (const Sample& sample : samples) best.push_back(sample.choice);
  distribution.follow(best);
  return true;
}

}  // namespace

void search_ddpnas(Evaluator& evaluator, const SearchSettings& settings, Random& random) {
  for_each_limit(evaluator, settings, random, [&](double limit, int64_t budget) {
    Distribution distribution(evaluator.space());
    const int64_t prunings = distribution.prunings();
    // Between two prunings as many rounds as the budget allows, in smaller rounds where it is small.
    const int64_t size = std::clamp<int64_t>(budget / (prunings + 1), 4, settings.population);
    const int64_t rounds = std::max<int64_t>(1, budget / ((prunings + 1) * size));
    for (int64_t pruned = 0; pruned <= prunings; ++pruned) {
      if (pruned > 0) distribution.prune();
      for (int64_t r = 0; r < (pruned == prunings ? 1 : rounds); ++r) {
        if (!round(evaluator, distribution, limit, size, random)) return;
      }
    }
  });
}

}  // namespace limber
