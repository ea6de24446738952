// SPDX-License-Identifier: Apache-2.0
// Dynamic-OFA's claims (Lou et al., arXiv 2105.03596), derived again from a search in its published tables. Layer:
// design.
//
// Everything here is predicted: accuracies by the published predictor, less its offset; latencies by the published
// table, times the scale that brings it to the axis of the paper's Fig. 4. docs/reproduce/dynamic-ofa.md explains both.
#pragma once
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "design/published/families.h"
#include "design/published/latency_table.h"
#include "design/search/search.h"

namespace limber {

// One published sub-network against the most accurate one found at no more table latency.
struct AgainstMember {
  double latency_ms = 0, predicted = 0;  // of the published sub-network: the table's sum, the predictor's answer
  Objectives found;                      // accuracy 0: nothing was found at this latency
  double gain() const { return found.accuracy - predicted; }
};

// Against each of the six published sub-networks of the GPU family, in their order.
std::vector<AgainstMember> against_the_six(std::span<const Objectives> front, const PublishedFamilies& families,
                                           const std::string& device);

// From table and predictor to the paper's figure: accuracy = predicted - offset, latency = table sum * scale.
struct Calibration {
  double offset = 0, scale = 1;
  std::string from;  // what it was taken from: "median of six", "level 2"
};

// One for each combination of the six sub-networks' offsets and the device's scales, and first the median of both.
// GPU: a scale is a published sub-network's latency in Fig. 4a by its table sum. CPU: the configurations of the CPU
// family are unpublished, so no such pair exists. A scale is then either 1 (the table as it is), or a point of that
// family's curve in Fig. 4b by the latency which `front` has in the table at the point's accuracy: this supposes that
// the published family was as good as what is found here.
std::vector<Calibration> calibrations(std::span<const Objectives> front, const PublishedFamilies& families,
                                      const std::string& device);

struct Claim {
  std::string name;  // "speed-up at equal accuracy", "accuracy gain at equal latency"
  std::string unit;  // "x", "points"
  double published = 0;
  double base_latency_ms = 0, base_top1 = 0;  // AutoSlim-MnasNet's point in Fig. 4 that it is measured against
  std::optional<double> derived;              // with the first calibration; nullopt: the front has no such point
  std::optional<double> least, most;          // over all calibrations that give one
};

// The speed-up and the gain of one device ("gpu" or "cpu").
std::vector<Claim> claims(std::span<const Objectives> front, const PublishedFamilies& families,
                          const std::string& device);

}  // namespace limber
