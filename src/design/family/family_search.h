// SPDX-License-Identifier: Apache-2.0
// From a super-network to a family: sub-networks are sampled and evaluated, a predictor learns from these, a search
// follows the predictor, and what it proposes is measured, the best samples beside it. Only what was measured gets into
// the family. Layer: design.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "design/accuracy_predictor.h"
#include "design/evaluate.h"
#include "design/search/search.h"

namespace limber {

// Nothing here is a test image: calibration comes from the training split, the others from the validation split.
struct FamilyData {
  Images calibration;  // statistics of each sub-network
  Images sampled;      // judge the sub-networks that the predictor learns from
  Images validation;   // judge the proposals, and so choose the family
};

struct FamilySettings {
  SearchSettings search;
  int64_t samples = 100;  // sub-networks evaluated for the predictor
  int64_t members = 8;    // at least so many, if so many Pareto points are found
  // A predictor that is there already, given canonical choices; empty: one is trained from samples.
  std::function<double(const Choice&)> accuracy;
  std::string state;  // file of everything evaluated so far (sample_file.h); a search that was killed goes on there
  EvaluationOptions evaluation;
};

struct FamilyProposal {
  Choice choice;
  double cost = 0;                 // as predicted: MACs, or a table's sum
  double predicted = 0;            // top-1, 0..1
  std::optional<double> measured;  // top-1 on the validation images
};

struct FamilyResult {
  // What the search found, the best of the samples, and what the state file knows from an earlier search on the same
  // images, ascending cost; those that were measured say so.
  std::vector<FamilyProposal> front;
  std::vector<std::size_t> family;        // indices into front: the Pareto points of cost and measured accuracy
  std::optional<PredictorErrors> errors;  // of the predictor that was trained; nullopt: none was
  bool stopped = false;                   // by the hook: the rest is what was known by then
};

struct FamilyHooks {
  std::function<void(const std::string& phase, int64_t done, int64_t all)> progress;
  std::function<bool()> stop;
};

// `cost` is given canonical choices. All resolutions are searched: images are resized as sessions do it. The same
// network, data, settings and seed give the same result, whether or not it was interrupted. Fails with kInvalidArgument
// on what search() and the evaluation refuse.
FamilyResult search_family(const Network& network, const FamilyData& data,
                           const std::function<double(const Graph&, const Choice&)>& cost,
                           const FamilySettings& settings, const FamilyHooks& hooks = {});

// The network with these choices, in ascending order, as its family: "m1", "m2", ... Statistics are calibrated and
// stored for each; the former family goes. Accuracies are the caller's to add.
Network with_family(const Network& network, const std::vector<Choice>& choices, const Images& calibration,
                    const EvaluationOptions& evaluation = {}, const FamilyHooks& hooks = {});

}  // namespace limber
