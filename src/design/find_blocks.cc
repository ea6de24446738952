// SPDX-License-Identifier: Apache-2.0
#include "design/find_blocks.h"

#include <algorithm>
#include <deque>
#include <random>
#include <set>

#include "base/error.h"
#include "design/choice_sampler.h"

namespace limber {
namespace {

constexpr std::size_t kMostBlocks = 100'000;
constexpr int64_t kStarts = 256;  // random choices to begin with
constexpr int kCandidates = 24;   // mixtures looked at for each choice taken

// Nothing where the choice is illegal.
std::vector<Block> blocks_if_legal(const Graph& graph, const Choice& choice) {
  try {
    return blocks_of(graph, resolve(graph, choice));
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kInvalidArgument) throw;
    return {};
  }
}

}  // namespace

std::map<std::string, Choice> find_blocks(const Graph& graph, uint64_t seed) {
  std::map<std::string, Choice> found;
  std::deque<Choice> open;
  const auto look = [&](const Choice& choice) {
    bool fresh = false;
    for (const Block& block : blocks_if_legal(graph, choice))
      fresh = found.emplace(block.shape, choice).second || fresh;
    if (fresh) open.push_back(choice);
    if (found.size() > kMostBlocks) {
      fail(ErrorCode::kUnsupported, "graph '{}': more than {} different blocks; measure a smaller design space",
           graph.name, kMostBlocks);
    }
  };
  for (const Choice& choice : sample_choices(graph, kStarts, seed)) look(choice);
  std::set<std::string> explored;  // shapes of choices whose neighbours were looked at
  while (!open.empty()) {
    const Choice from = std::move(open.front());
    open.pop_front();
    bool fresh = false;
    for (const Block& block : blocks_of(graph, resolve(graph, from)))
      fresh = explored.insert(block.shape).second || fresh;
    if (!fresh) continue;
    for (std::size_t d = 0; d < from.size(); ++d) {
      for (const int64_t value : graph.space.dimensions[d].choices) {
        Choice changed = from;
        changed[d] = value;
        if (value != from[d]) look(changed);
      }
    }
  }
  return found;
}

std::vector<Choice> covering_choices(const Graph& graph, const std::map<std::string, Choice>& blocks, uint64_t seed) {
  std::map<std::string, Choice> missing = blocks;
  std::mt19937_64 random(seed);
  const auto gain = [&](const Choice& choice) {
    std::set<std::string> shapes;
    for (const Block& block : blocks_if_legal(graph, choice)) {
      if (missing.contains(block.shape)) shapes.insert(block.shape);
    }
    return shapes.size();
  };
  std::vector<Choice> result;
  while (!missing.empty()) {
    Choice best = missing.begin()->second;
    std::size_t most = gain(best);
    std::vector<const Choice*> others;
    for (const auto& [shape, choice] : missing) others.push_back(&choice);
    for (int i = 0; i < kCandidates;
         ++i) {  // single dimensions of others that have what is missing: kept if that helps
      Choice mixed = best;
      const Choice& other = *others[random() % others.size()];
      for (std::size_t d = 0; d < mixed.size(); ++d) {
        if (random() % 3 == 0) mixed[d] = other[d];
      }
      const std::size_t found = gain(mixed);
      if (found <= most) continue;
      most = found;
      best = std::move(mixed);
    }
    for (const Block& block : blocks_of(graph, resolve(graph, best))) missing.erase(block.shape);
    result.push_back(std::move(best));
  }
  return result;
}

}  // namespace limber
