// SPDX-License-Identifier: Apache-2.0
// Predicts the accuracy of a choice from those that were evaluated (Once-for-All, arXiv 1908.09791, section 3.4).
// Layer: design.
#pragma once
#include <cstdint>
#include <vector>

#include "design/mlp.h"
#include "design/sample_file.h"
#include "network/graph.h"

namespace limber {

// One-hot: a place for every choice of every dimension. Zeros throughout for a dimension on which only absent nodes
// depend (the kernel of a block beyond the depth), so that choices which make the same network look the same;
// dimensions that decide what is present always count.
class ChoiceEncoding {
 public:
  explicit ChoiceEncoding(const Graph& graph);
  int64_t size() const { return size_; }
  // Fails on an illegal choice. O(nodes + inputs).
  std::vector<float> operator()(const Choice& choice) const;

 private:
  Graph graph_;
  std::vector<int64_t> place_;                // of each dimension's first choice
  std::vector<std::vector<int>> dimensions_;  // that each node's shape depends on
  std::vector<bool> decides_;                 // of each dimension: presence depends on it
  int64_t size_ = 0;
};

// Errors on samples that were neither learnt from nor used to stop.
struct PredictorErrors {
  int64_t samples = 0;
  double rmse = 0;         // of top-1, 0..1
  double kendall_tau = 0;  // tau-b: 1 the same order, 0 none
};

// Kendall's tau-b of two rankings, ties counted; 0 where either is constant. O(n^2).
double kendall_tau(const std::vector<double>& a, const std::vector<double>& b);

struct PredictorOptions {
  uint64_t seed = 1;
  int64_t hidden = 64, hidden_layers = 2;
  int64_t networks = 4;  // their mean is predicted; each is stopped by other samples
  MlpTraining training;  // its seed follows from the one above
};

// Immutable; thread-safe.
class AccuracyPredictor {
 public:
  static constexpr std::size_t kLeastSamples = 16;

  // An eighth of the samples gives the errors; each network learns from four fifths of the others, the rest stops it.
  // Fails with kInvalidArgument on fewer than kLeastSamples, saying how to get more. Seconds.
  static AccuracyPredictor train(const Graph& graph, const std::vector<AccuracySample>& samples,
                                 const PredictorOptions& options = {});

  double top1(const Choice& choice) const;  // some microseconds
  const PredictorErrors& errors() const { return errors_; }

 private:
  explicit AccuracyPredictor(const Graph& graph) : encoding_(graph) {}

  ChoiceEncoding encoding_;
  std::vector<Mlp> networks_;
  double mean_ = 0, deviation_ = 1;  // of the targets
  PredictorErrors errors_;
};

}  // namespace limber
