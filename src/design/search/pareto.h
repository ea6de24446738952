// SPDX-License-Identifier: Apache-2.0
// Two objectives, cost to minimise and accuracy to maximise: fronts, ranks, and figures read off a front. Layer:
// design.
#pragma once
#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace limber {

struct Objectives {
  double cost = 0;      // milliseconds, MACs, millijoules: less is better
  double accuracy = 0;  // 0..1, predicted or measured: more is better
  bool operator==(const Objectives&) const = default;
};

// a is nowhere worse than b, and somewhere better.
bool dominates(const Objectives& a, const Objectives& b);

// Indices of the points that no other dominates, by ascending cost; of equal points the first. O(n log n).
std::vector<std::size_t> pareto_front(std::span<const Objectives> points);

// Rank of each point: 0 on the front, 1 on the front of the rest, and so on. O(n * fronts), n log n for two objectives.
std::vector<int> pareto_ranks(std::span<const Objectives> points);

// Crowding distance of each point among those of its own rank (Deb et al., NSGA-II, 2002): how far its neighbours lie
// apart, each objective divided by its range; infinite at both ends of a front.
std::vector<double> crowding_distances(std::span<const Objectives> points, std::span<const int> ranks);

// The area that the points dominate within cost <= reference.cost and accuracy >= reference.accuracy.
double hypervolume(std::span<const Objectives> points, const Objectives& reference);

// Figures read off the line that joins the Pareto points among `points`: nullopt left and right of it.
std::optional<double> cost_at(std::span<const Objectives> points, double accuracy);
std::optional<double> accuracy_at(std::span<const Objectives> points, double cost);

}  // namespace limber
