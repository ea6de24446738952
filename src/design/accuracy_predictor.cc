// SPDX-License-Identifier: Apache-2.0
#include "design/accuracy_predictor.h"

#include <algorithm>
#include <cmath>
#include <random>

#include "base/error.h"
#include "network/sub_network.h"

namespace limber {
namespace {

void note(const Extent& extent, std::vector<int>* dimensions) {
  dimensions->insert(dimensions->end(), extent.by.begin(), extent.by.end());
}

}  // namespace

ChoiceEncoding::ChoiceEncoding(const Graph& graph) : graph_(graph) {
  for (const Dimension& dimension : graph.space.dimensions) {
    place_.push_back(size_);
    size_ += static_cast<int64_t>(dimension.choices.size());
  }
  decides_.assign(place_.size(), false);
  for (const Node& node : graph.nodes) {
    std::vector<int>& found = dimensions_.emplace_back();
    for (const Extent* extent :
         {&node.channels, &node.channels_from, &node.kernel, &node.height, &node.width, &node.groups})
      note(*extent, &found);
    for (const Input& input : node.inputs) {
      for (const Extent* extent : {&input.from, &input.count, &input.weight_from}) note(*extent, &found);
    }
    for (const Presence& presence : node.when) {
      if (presence.dimension >= 0) decides_[static_cast<std::size_t>(presence.dimension)] = true;
    }
  }
}

std::vector<float> ChoiceEncoding::operator()(const Choice& choice) const {
  const SubNetwork sub = resolve(graph_, choice);
  std::vector<bool> counts = decides_;
  for (const SubNode& part : sub.nodes) {
    for (const int dimension : dimensions_[static_cast<std::size_t>(part.node)])
      counts[static_cast<std::size_t>(dimension)] = true;
  }
  std::vector<float> result(static_cast<std::size_t>(size_));
  for (std::size_t d = 0; d < counts.size(); ++d) {
    if (!counts[d]) continue;
    const std::vector<int64_t>& legal = graph_.space.dimensions[d].choices;
    const auto index = std::find(legal.begin(), legal.end(), choice[d]) - legal.begin();
    result[static_cast<std::size_t>(place_[d] + index)] = 1;
  }
  return result;
}

double kendall_tau(const std::vector<double>& a, const std::vector<double>& b) {
  int64_t agree = 0, tied_a = 0, tied_b = 0, pairs = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      const int one = (a[i] > a[j]) - (a[i] < a[j]), two = (b[i] > b[j]) - (b[i] < b[j]);
      ++pairs;
      agree += one * two;
      tied_a += one == 0;
      tied_b += two == 0;
    }
  }
  if (tied_a == pairs || tied_b == pairs) return 0;
  return static_cast<double>(agree) /
         std::sqrt(static_cast<double>(pairs - tied_a) * static_cast<double>(pairs - tied_b));
}

AccuracyPredictor AccuracyPredictor::train(const Graph& graph, const std::vector<AccuracySample>& samples,
                                           const PredictorOptions& options) {
  if (samples.size() < kLeastSamples) {
    fail(ErrorCode::kInvalidArgument,
         "an accuracy predictor from {} evaluated choices; it needs at least {}: evaluate more", samples.size(),
         kLeastSamples);
  }
  AccuracyPredictor result(graph);
  std::vector<std::size_t> order(samples.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::mt19937_64 random(options.seed);
  for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random() % i]);
  const std::size_t held_out = samples.size() / 8, known = samples.size() - held_out;
  double squares = 0;
  result.mean_ = 0;
  for (std::size_t i = 0; i < known; ++i) result.mean_ += samples[order[i]].top1() / static_cast<double>(known);
  for (std::size_t i = 0; i < known; ++i) squares += std::pow(samples[order[i]].top1() - result.mean_, 2);
  result.deviation_ = std::max(std::sqrt(squares / static_cast<double>(known)), 1e-6);
  const auto networks = static_cast<std::size_t>(options.networks);
  for (std::size_t n = 0; n < networks; ++n) {
    std::vector<std::vector<float>> inputs[2];
    std::vector<float> targets[2];
    for (std::size_t i = 0; i < known; ++i) {
      const AccuracySample& sample = samples[order[i]];
      const std::size_t part = i % (networks + 1) == n ? 1 : 0;
      inputs[part].push_back(result.encoding_(sample.choice));
      targets[part].push_back(static_cast<float>((sample.top1() - result.mean_) / result.deviation_));
    }
    MlpTraining training = options.training;
    training.seed = options.seed * networks + n;
    result.networks_.push_back(
        Mlp::random(result.encoding_.size(), options.hidden, options.hidden_layers, training.seed));
    train_mlp(&result.networks_.back(), inputs[0], targets[0], inputs[1], targets[1], training);
  }
  std::vector<double> predicted, found;
  double error = 0;
  for (std::size_t i = known; i < order.size(); ++i) {
    predicted.push_back(result.top1(samples[order[i]].choice));
    found.push_back(samples[order[i]].top1());
    error += std::pow(predicted.back() - found.back(), 2);
  }
  result.errors_ = {static_cast<int64_t>(found.size()), std::sqrt(error / static_cast<double>(found.size())),
                    kendall_tau(predicted, found)};
  return result;
}

double AccuracyPredictor::top1(const Choice& choice) const {
  const std::vector<float> code = encoding_(choice);
  double sum = 0;
  for (const Mlp& network : networks_) sum += static_cast<double>(network(code));
  return mean_ + deviation_ * sum / static_cast<double>(networks_.size());
}

}  // namespace limber
