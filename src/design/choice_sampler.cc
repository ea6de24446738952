// SPDX-License-Identifier: Apache-2.0
#include "design/choice_sampler.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <random>
#include <set>

#include "base/error.h"
#include "network/sub_network.h"

namespace limber {
namespace {

constexpr int64_t kDraws = 40;      // for each choice wanted
constexpr int64_t kIntervals = 16;  // of the logarithm of the multiply-accumulates

// The larger `size` (0..1), the larger the values, with enough chance to reach any of them.
Choice draw(const DesignSpace& space, std::mt19937_64& random) {
  const auto uniform = [&] { return static_cast<double>(random() >> 11) * 0x1p-53; };
  const double size = uniform();
  Choice choice;
  for (const Dimension& dimension : space.dimensions) {
    const auto last = static_cast<double>(dimension.choices.size() - 1);
    const double place = uniform() < 0.5 ? uniform() : size;
    choice.push_back(dimension.choices[static_cast<std::size_t>(std::lround(place * last))]);
  }
  return choice;
}

}  // namespace

std::vector<Choice> sample_choices(const Graph& graph, int64_t count, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::set<Choice> seen;
  std::vector<std::pair<int64_t, Choice>> found;  // by cost
  for (int64_t i = 0; i < kDraws * count + 1000 && static_cast<int64_t>(found.size()) < kDraws * count; ++i) {
    Choice choice = draw(graph.space, random);
    if (!seen.insert(choice).second) continue;
    try {
      const int64_t macs = resolve(graph, choice).macs;
      found.emplace_back(macs, std::move(choice));
    } catch (const Error&) {
      continue;  // illegal together
    }
  }
  std::vector<Choice> result;
  if (found.empty() || count < 1) return result;
  std::stable_sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  const auto cost = [](int64_t macs) { return std::log(static_cast<double>(std::max<int64_t>(macs, 1))); };
  const double least = cost(found.front().first), most = cost(found.back().first);
  std::vector<std::vector<Choice>> intervals(kIntervals);
  for (auto& [macs, choice] : found) {
    const double place = most > least ? (cost(macs) - least) / (most - least) : 0;
    intervals[static_cast<std::size_t>(std::min(place * kIntervals, kIntervals - 1.0))].push_back(std::move(choice));
  }
  // The ends first, then one of each interval in turns.
  result.push_back(intervals.front().front());
  intervals.front().erase(intervals.front().begin());
  if (static_cast<int64_t>(result.size()) < count && !intervals.back().empty()) {
    result.push_back(intervals.back().back());
    intervals.back().pop_back();
  }
  for (bool any = true; any && static_cast<int64_t>(result.size()) < count;) {
    any = false;
    for (std::vector<Choice>& interval : intervals) {
      if (interval.empty() || static_cast<int64_t>(result.size()) >= count) continue;
      const std::size_t pick = random() % interval.size();
      result.push_back(std::move(interval[pick]));
      interval.erase(interval.begin() + static_cast<std::ptrdiff_t>(pick));
      any = true;
    }
  }
  return result;
}

}  // namespace limber
