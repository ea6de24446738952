// SPDX-License-Identifier: Apache-2.0
#include "platform/simulated/placement.h"

#include <algorithm>
#include <limits>

namespace limber {
namespace {

constexpr double kMargin = 1.25;  // what fits leaves a fifth free

bool cores_differ(const Board& board) {
  double first = 0;
  for (const Processor& processor : board.processors) {
    if (processor.kind != ProcessorKind::kCpu) continue;
    if (first == 0) first = processor.capacity;
    if (processor.capacity != first) return true;
  }
  return false;
}

// Watts of a processor in the kernel's energy model: the power of its busy cores at the point that schedutil would
// choose, by how much of their time is used.
double model_w(const Processor& processor, double most_util, double sum_util) {
  const auto highest = static_cast<double>(processor.highest().khz);
  const auto& point = processor.opps[processor.at_least(highest * kMargin * most_util / processor.capacity)];
  const double ghz = static_cast<double>(point.khz) * 1e-6;
  const double capacity = processor.capacity * static_cast<double>(point.khz) / highest;
  return processor.power.core_w_per_ghz_v2 * ghz * point.volt * point.volt * sum_util / capacity;
}

double board_w(const Board& board, const std::vector<CoreState>& cores, std::size_t chosen, double util) {
  double watt = 0;
  for (std::size_t p = 0; p < board.processors.size(); ++p) {
    if (board.processors[p].kind != ProcessorKind::kCpu) continue;
    double most = 0, sum = 0;
    for (std::size_t c = 0; c < cores.size(); ++c) {
      if (cores[c].processor != p) continue;
      const double all = cores[c].util + (c == chosen ? util : 0);
      most = std::max(most, all);
      sum += all;
    }
    watt += model_w(board.processors[p], most, sum);
  }
  return watt;
}

// The core with most to spare of each processor, if the thread fits there; of these the one of least power.
std::size_t efficient(const Board& board, const std::vector<CoreState>& cores, const std::vector<std::size_t>& allowed,
                      double util, int before) {
  std::vector<std::size_t> candidates(board.processors.size(), cores.size());
  const auto spare = [&](std::size_t c) { return cores[c].capacity - cores[c].util; };
  for (const std::size_t c : allowed) {
    if (!cores[c].online || kMargin * (cores[c].util + util) > cores[c].capacity) continue;
    std::size_t& best = candidates[cores[c].processor];
    const bool better =
        best == cores.size() || spare(c) > spare(best) || (spare(c) == spare(best) && static_cast<int>(c) == before);
    if (better) best = c;
  }
  std::size_t result = cores.size();
  double least = std::numeric_limits<double>::infinity();
  // Where it was, unless another place takes less.
  const auto last = static_cast<std::size_t>(before);
  const bool fits = before >= 0 && std::find(allowed.begin(), allowed.end(), last) != allowed.end() &&
                    cores[last].online && kMargin * (cores[last].util + util) <= cores[last].capacity;
  if (fits) {
    result = last;
    least = board_w(board, cores, last, util);
  }
  for (const std::size_t c : candidates) {
    if (c == cores.size()) continue;
    const double watt = board_w(board, cores, c, util);
    if (watt < least * (1 - 1e-9)) {
      least = watt;
      result = c;
    }
  }
  return result;
}

}  // namespace

std::size_t place_thread(const Board& board, const std::vector<CoreState>& cores,
                         const std::vector<std::size_t>& allowed, double util, int before) {
  if (allowed.size() == 1) return allowed.front();
  const bool over = std::any_of(cores.begin(), cores.end(),
                                [](const CoreState& core) { return kMargin * core.util > core.capacity; });
  if (cores_differ(board) && !over) {
    const std::size_t found = efficient(board, cores, allowed, util, before);
    if (found < cores.size()) return found;
  }
  // Best first: online, idle, large enough, where it was, large, little loaded.
  const auto better = [&](std::size_t a, std::size_t b) {
    const CoreState &x = cores[a], &y = cores[b];
    if (x.online != y.online) return x.online;
    const bool x_idle = x.weight == 0, y_idle = y.weight == 0;
    if (x_idle != y_idle) return x_idle;
    if (!x_idle && x.weight != y.weight) return x.weight < y.weight;
    const bool x_fits = kMargin * util <= x.capacity, y_fits = kMargin * util <= y.capacity;
    if (x_fits != y_fits) return x_fits;
    if (static_cast<int>(a) == before || static_cast<int>(b) == before) return static_cast<int>(a) == before;
    if (x.capacity != y.capacity) return x_fits ? x.capacity < y.capacity : x.capacity > y.capacity;
    return a < b;
  };
  return *std::min_element(allowed.begin(), allowed.end(), better);
}

}  // namespace limber
