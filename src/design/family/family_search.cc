// SPDX-License-Identifier: Apache-2.0
#include "design/family/family_search.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "base/error.h"
#include "design/choice_sampler.h"
#include "design/sample_file.h"
#include "network/sub_network.h"

namespace limber {
namespace {

// Evaluates choices on one set of images, each once: what the state file knows is not evaluated again.
class Judge {
 public:
  Judge(const Network& network, const Images& calibration, const Images& judged, const FamilySettings& settings)
      : graph_(network.graph), evaluator_(network, calibration, judged, settings.evaluation) {
    if (!settings.state.empty()) file_.emplace(settings.state, graph_, network.hash, calibration.hash, judged.hash);
  }

  AccuracySample operator()(const Choice& choice) {
    if (const AccuracySample* known = file_ ? file_->find(choice) : nullptr) return *known;
    const RightAnswers answers = evaluator_(choice);
    const AccuracySample sample{choice, resolve(graph_, choice).macs, answers.right, answers.images};
    if (file_) file_->append(sample);
    return sample;
  }

  std::vector<AccuracySample> known() const { return file_ ? file_->samples() : std::vector<AccuracySample>(); }

 private:
  const Graph& graph_;
  ChoiceEvaluator evaluator_;
  std::optional<SampleFile> file_;
};

std::vector<Choice> canonical_samples(const ChoiceSpace& space, int64_t count, uint64_t seed) {
  std::set<Choice> seen;
  std::vector<Choice> result;
  for (const Choice& choice : sample_choices(space.graph(), count, seed)) {
    const auto canonical = space.canonical(choice);
    if (canonical && seen.insert(*canonical).second) result.push_back(*canonical);
  }
  return result;
}

// Indices of `count` points of the front, ends included, as evenly over the logarithm of the cost as they come.
std::vector<std::size_t> spread(const std::vector<FamilyProposal>& front, std::size_t count) {
  std::set<std::size_t> picked;
  const auto place = [&](std::size_t i) { return std::log(std::max(front[i].cost, 1e-9)); };
  for (std::size_t n = 0; n < count && picked.size() < front.size(); ++n) {
    const double share = count < 2 ? 0 : static_cast<double>(n) / static_cast<double>(count - 1);
    const double wanted = place(0) + share * (place(front.size() - 1) - place(0));
    std::size_t best = front.size();
    for (std::size_t i = 0; i < front.size(); ++i) {
      if (picked.contains(i)) continue;
      if (best == front.size() || std::abs(place(i) - wanted) < std::abs(place(best) - wanted)) best = i;
    }
    picked.insert(best);
  }
  return {picked.begin(), picked.end()};
}

void sort_by_cost(std::vector<FamilyProposal>* proposals) {
  std::stable_sort(proposals->begin(), proposals->end(),
                   [](const FamilyProposal& a, const FamilyProposal& b) { return a.cost < b.cost; });
}

std::vector<std::size_t> measured_front(const std::vector<FamilyProposal>& front) {
  std::vector<Objectives> points;
  std::vector<std::size_t> index;
  for (std::size_t i = 0; i < front.size(); ++i) {
    if (!front[i].measured) continue;
    points.push_back({front[i].cost, *front[i].measured});
    index.push_back(i);
  }
  std::vector<std::size_t> result;
  for (const std::size_t i : pareto_front(points)) result.push_back(index[i]);
  return result;
}

class FamilySearch {
 public:
  FamilySearch(const Network& network, const FamilyData& data,
               const std::function<double(const Graph&, const Choice&)>& cost, const FamilySettings& settings,
               const FamilyHooks& hooks)
      : network_(network), data_(data), settings_(settings), hooks_(hooks), space_(network.graph) {
    problem_.space = &space_;
    problem_.cost = [this, &cost](const Choice& choice) { return cost(space_.graph(), choice); };
  }

  FamilyResult run() {
    FamilyResult result;
    std::optional<Judge> judge(std::in_place, network_, data_.calibration, data_.sampled, settings_);
    std::optional<AccuracyPredictor> predictor;
    std::vector<AccuracySample> samples;
    if (settings_.accuracy) {
      problem_.accuracy = [this](const Choice& choice) { return settings_.accuracy(choice); };
    } else if (space_.size() <=
               static_cast<double>(std::max<int64_t>(settings_.samples, AccuracyPredictor::kLeastSamples))) {
      problem_.accuracy = [this, &judge](const Choice& choice) {
        const auto [at, is_new] = judged_.try_emplace(choice, 0);
        if (is_new) at->second = (*judge)(choice).top1();
        return at->second;
      };
    } else {
      const std::vector<Choice> choices = canonical_samples(space_, settings_.samples, settings_.search.seed);
      for (const Choice& choice : choices) {
        if (stopped()) return stop(std::move(result));
        samples.push_back((*judge)(choice));
        report("sampling", samples.size(), choices.size());
      }
      PredictorOptions options;
      options.seed = settings_.search.seed;
      predictor = AccuracyPredictor::train(space_.graph(), samples, options);
      result.errors = predictor->errors();
      problem_.accuracy = [&predictor](const Choice& choice) { return predictor->top1(choice); };
    }
    SearchHooks hooks;
    hooks.stop = hooks_.stop;
    hooks.progress = [this](int64_t done, int64_t all) {
      if (hooks_.progress) hooks_.progress("searching", done, all);
    };
    const SearchResult found = search(problem_, settings_.search, hooks);
    result.front = proposals(found.front, samples);
    judge.reset();  // one file, one writer; who was judged is in judged_
    if (found.end == SearchEnd::kStopped) return stop(std::move(result));
    return measure(std::move(result));
  }

 private:
  bool stopped() const { return hooks_.stop && hooks_.stop(); }
  static FamilyResult stop(FamilyResult result) {
    result.stopped = true;
    return result;
  }
  void report(const char* phase, std::size_t done, std::size_t all) const {
    if (hooks_.progress) hooks_.progress(phase, static_cast<int64_t>(done), static_cast<int64_t>(all));
  }

  // What the search found, and the front of the samples: a predictor that is wrong about one of those (the largest
  // sub-network above all, at the edge of what it knows) must not hide what was counted.
  std::vector<FamilyProposal> proposals(const std::vector<Evaluated>& found,
                                        const std::vector<AccuracySample>& samples) const {
    std::map<Choice, FamilyProposal> all;
    for (const auto& [choice, objectives] : found)
      all.emplace(choice, FamilyProposal{choice, objectives.cost, objectives.accuracy, std::nullopt});
    std::vector<Objectives> counted;
    for (const AccuracySample& sample : samples) counted.push_back({problem_.cost(sample.choice), sample.top1()});
    for (const std::size_t i : pareto_front(counted)) {
      const Choice& choice = samples[i].choice;
      all.emplace(choice, FamilyProposal{choice, counted[i].cost, problem_.accuracy(choice), std::nullopt});
    }
    std::vector<FamilyProposal> result;
    for (auto& [choice, proposal] : all) result.push_back(std::move(proposal));
    sort_by_cost(&result);
    return result;
  }

  // Half as many proposals again as members are wanted; more, while measuring leaves fewer of them than wanted.
  FamilyResult measure(FamilyResult result) {
    Judge judge(network_, data_.calibration, data_.validation, settings_);
    const std::vector<AccuracySample> known = judge.known();
    const auto wanted = static_cast<std::size_t>(settings_.members);
    for (std::size_t count = wanted + wanted / 2; !result.front.empty();
         count += std::max<std::size_t>(1, wanted / 2)) {
      const std::vector<std::size_t> picks = spread(result.front, count);
      std::size_t done = 0;
      for (const std::size_t i : picks) {
        FamilyProposal& proposal = result.front[i];
        if (stopped()) return stop(std::move(result));
        if (!proposal.measured) proposal.measured = judge(proposal.choice).top1();
        report("measuring", ++done, picks.size());
      }
      result.family = measured_front(result.front);
      if (result.family.size() >= wanted || picks.size() == result.front.size() || count >= 4 * wanted) break;
    }
    add_known(&result, known);
    return result;
  }

  // Of a space without a predictor, a choice that only an earlier search has judged counts as it was measured.
  double predicted(const AccuracySample& sample) const {
    if (judged_.empty()) return problem_.accuracy(sample.choice);
    const auto at = judged_.find(sample.choice);
    return at == judged_.end() ? sample.top1() : at->second;
  }

  // What an earlier search with this state file measured on the same images is as good as what this one proposed.
  void add_known(FamilyResult* result, const std::vector<AccuracySample>& known) const {
    std::map<Choice, std::size_t> place;
    for (std::size_t i = 0; i < result->front.size(); ++i) place.emplace(result->front[i].choice, i);
    for (const AccuracySample& sample : known) {
      const Choice& choice = sample.choice;
      const auto [at, is_new] = place.emplace(choice, result->front.size());
      if (is_new) result->front.push_back({choice, problem_.cost(choice), predicted(sample), std::nullopt});
      result->front[at->second].measured = sample.top1();
    }
    sort_by_cost(&result->front);
    result->family = measured_front(result->front);
  }

  const Network& network_;
  const FamilyData& data_;
  const FamilySettings& settings_;
  const FamilyHooks& hooks_;
  ChoiceSpace space_;
  SearchProblem problem_;
  std::map<Choice, double> judged_;  // where no predictor is needed: accuracy of every choice that was asked for
};

}  // namespace

FamilyResult search_family(const Network& network, const FamilyData& data,
                           const std::function<double(const Graph&, const Choice&)>& cost,
                           const FamilySettings& settings, const FamilyHooks& hooks) {
  if (settings.members < 1 || settings.members > 1000)
    fail(ErrorCode::kInvalidArgument, "search: {} members; legal: 1 to 1000", settings.members);
  return FamilySearch(network, data, cost, settings, hooks).run();
}

Network with_family(const Network& network, const std::vector<Choice>& choices, const Images& calibration,
                    const EvaluationOptions& evaluation, const FamilyHooks& hooks) {
  Network result = network;
  result.hash.clear();
  for (std::size_t i = 0; i < result.family.size(); ++i) store_norms(&result, i, {});
  result.family.clear();
  CalibrationOptions options;
  options.cores = evaluation.cores;
  options.isa = evaluation.isa;
  options.memory = evaluation.memory;
  for (std::size_t i = 0; i < choices.size(); ++i) {
    result.family.push_back({fmt::format("m{}", i + 1), choices[i], {}, {}});
    store_norms(&result, i, calibrate_norms(network, choices[i], calibration, options));
    if (hooks.progress)
      hooks.progress("calibrating", static_cast<int64_t>(i + 1), static_cast<int64_t>(choices.size()));
  }
  return result;
}

}  // namespace limber
