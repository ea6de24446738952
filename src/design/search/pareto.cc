// SPDX-License-Identifier: Apache-2.0
#include "design/search/pareto.h"

#include <algorithm>
#include <limits>
#include <numeric>

namespace limber {
namespace {

// By ascending cost, of equal cost the more accurate first, then in the order given.
std::vector<std::size_t> by_cost(std::span<const Objectives> points) {
  std::vector<std::size_t> order(points.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return points[a].cost != points[b].cost ? points[a].cost < points[b].cost : points[a].accuracy > points[b].accuracy;
  });
  return order;
}

std::vector<Objectives> front_of(std::span<const Objectives> points) {
  std::vector<Objectives> front;
  for (const std::size_t index : pareto_front(points)) front.push_back(points[index]);
  return front;
}

double between(double from, double to, double share) {
  return from + (to - from) * share;
}

}  // namespace

bool dominates(const Objectives& a, const Objectives& b) {
  return a.cost <= b.cost && a.accuracy >= b.accuracy && !(a == b);
}

std::vector<std::size_t> pareto_front(std::span<const Objectives> points) {
  std::vector<std::size_t> front;
  for (const std::size_t index : by_cost(points)) {
    if (front.empty() || points[index].accuracy > points[front.back()].accuracy) front.push_back(index);
  }
  return front;
}

std::vector<int> pareto_ranks(std::span<const Objectives> points) {
  // In order of cost, a point belongs to the first front whose last point does not dominate it; fronts' last accuracies
  // descend, so that front is found by bisection.
  std::vector<int> ranks(points.size());
  std::vector<Objectives> last;
  for (const std::size_t index : by_cost(points)) {
    const Objectives& point = points[index];
    const auto front = std::partition_point(last.begin(), last.end(),
                                            [&](const Objectives& other) { return dominates(other, point); });
    ranks[index] = static_cast<int>(front - last.begin());
    if (front == last.end())
      last.push_back(point);
    else
      *front = point;
  }
  return ranks;
}

std::vector<double> crowding_distances(std::span<const Objectives> points, std::span<const int> ranks) {
  std::vector<double> distances(points.size(), 0);
  std::vector<std::size_t> order = by_cost(points);
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return ranks[a] < ranks[b]; });
  for (std::size_t from = 0; from < order.size();) {
    std::size_t to = from;
    while (to < order.size() && ranks[order[to]] == ranks[order[from]]) ++to;
    const Objectives &first = points[order[from]], &last = points[order[to - 1]];
    const double costs = last.cost - first.cost, accuracies = last.accuracy - first.accuracy;
    for (std::size_t i = from; i < to; ++i) {
      if (i == from || i + 1 == to) {
        distances[order[i]] = std::numeric_limits<double>::infinity();
        continue;
      }
      const Objectives &left = points[order[i - 1]], &right = points[order[i + 1]];
      if (costs > 0) distances[order[i]] += (right.cost - left.cost) / costs;
      if (accuracies > 0) distances[order[i]] += (right.accuracy - left.accuracy) / accuracies;
    }
    from = to;
  }
  return distances;
}

double hypervolume(std::span<const Objectives> points, const Objectives& reference) {
  double area = 0, below = reference.accuracy;
  for (const Objectives& point : front_of(points)) {
    if (point.cost >= reference.cost || point.accuracy <= below) continue;
    area += (reference.cost - point.cost) * (point.accuracy - below);
    below = point.accuracy;
  }
  return area;
}

std::optional<double> cost_at(std::span<const Objectives> points, double accuracy) {
  const std::vector<Objectives> front = front_of(points);
  for (std::size_t i = 0; i < front.size(); ++i) {
    if (front[i].accuracy == accuracy) return front[i].cost;
    if (i == 0 || front[i].accuracy < accuracy || front[i - 1].accuracy > accuracy) continue;
    const double share = (accuracy - front[i - 1].accuracy) / (front[i].accuracy - front[i - 1].accuracy);
    return between(front[i - 1].cost, front[i].cost, share);
  }
  return std::nullopt;
}

std::optional<double> accuracy_at(std::span<const Objectives> points, double cost) {
  const std::vector<Objectives> front = front_of(points);
  for (std::size_t i = 0; i < front.size(); ++i) {
    if (front[i].cost == cost) return front[i].accuracy;
    if (i == 0 || front[i].cost < cost || front[i - 1].cost > cost) continue;
    const double share = (cost - front[i - 1].cost) / (front[i].cost - front[i - 1].cost);
    return between(front[i - 1].accuracy, front[i].accuracy, share);
  }
  return std::nullopt;
}

}  // namespace limber
