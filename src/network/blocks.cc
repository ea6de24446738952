// SPDX-License-Identifier: Apache-2.0
#include "network/blocks.h"

#include <algorithm>

namespace limber {

int64_t Blocks::plane_of(int64_t channel) const {
  int64_t plane = 0;
  for (std::size_t block = 0; block < starts.size(); ++block) {
    const int64_t end = block_end(block);
    if (channel < end) return plane + (channel - starts[block]) / 16;
    plane += (end - starts[block] + 15) / 16;
  }
  return plane;
}

int64_t Blocks::lane_of(int64_t channel) const {
  const auto after = std::upper_bound(starts.begin(), starts.end(), channel);
  return plane_of(channel) * 16 + (channel - *(after - 1)) % 16;
}

bool Blocks::dense() const {
  return std::all_of(starts.begin(), starts.end(), [](int64_t start) { return start % 16 == 0; });
}

std::vector<Piece> pieces(const Blocks& blocks, int64_t from, int64_t count) {
  std::vector<Piece> found;
  for (std::size_t block = 0; block < blocks.starts.size(); ++block) {
    const int64_t begin = std::max(from, blocks.starts[block]);
    const int64_t end = std::min(from + count, blocks.block_end(block));
    if (begin >= end) continue;
    if (!found.empty() && found.back().channels % 16 == 0) {  // no gap between them
      found.back().channels += end - begin;
    } else {
      found.push_back({blocks.plane_of(begin), end - begin, begin - from});
    }
  }
  return found;
}

namespace {

using Starts = std::set<int64_t>;

// Copies the starts of `source` inside [from, from + count) to `target`, where that slice begins at `to`.
bool copy_starts(const Starts& source, int64_t from, int64_t count, int64_t to, Starts& target) {
  bool changed = false;
  for (auto at = source.lower_bound(from); at != source.end() && *at < from + count; ++at) {
    changed |= target.insert(*at - from + to).second;
  }
  return changed;
}

bool unite(Starts& a, int64_t from_a, Starts& b, int64_t from_b, int64_t count) {
  const bool first = copy_starts(a, from_a, count, from_b, b);
  return copy_starts(b, from_b, count, from_a, a) || first;
}

}  // namespace

BlockMap::BlockMap(const Graph& graph, const std::vector<SubNetwork>& members,
                   const std::map<std::string, int64_t>& outputs)
    : outputs_(outputs), input_{0} {
  for (const SubNetwork& sub : members) {
    std::vector<Starts>& starts = nodes_.emplace_back(graph.nodes.size());
    std::vector<int64_t>& channels = channels_.emplace_back(graph.nodes.size());
    for (const SubNode& node : sub.nodes) {
      starts[static_cast<std::size_t>(node.node)].insert(0);
      channels[static_cast<std::size_t>(node.node)] = node.channels;
    }
  }
  for (bool changed = true; changed;) {
    changed = false;
    for (std::size_t member = 0; member < members.size(); ++member)
      changed |= relate(graph, members[member], nodes_[member]);
  }
}

bool BlockMap::relate(const Graph& graph, const SubNetwork& sub, std::vector<Starts>& starts) {
  bool changed = false;
  for (auto node = sub.nodes.rbegin(); node != sub.nodes.rend(); ++node) {
    const Node& source = graph.nodes[static_cast<std::size_t>(node->node)];
    Starts& own = starts[static_cast<std::size_t>(node->node)];
    if (source.op == Op::kInput) changed |= unite(own, 0, input_, 0, node->channels);
    const bool weighted = source.op == Op::kConv2d || source.op == Op::kLinear;
    if (weighted) {
      Starts& weight = weights_[source.weight];
      changed |= weight.insert(0).second;
      changed |= weight.insert(node->channels_from).second;
      changed |= unite(own, 0, weight, node->channels_from, node->channels);
      if (node->residual >= 0) {
        changed |= unite(own, 0, starts[static_cast<std::size_t>(node->residual)], 0, node->channels);
      }
    }
    if (source.op == Op::kAttention && node->channels / source.heads % 16 != 0) {  // a head is read in place
      for (int64_t head = 1; head < source.heads; ++head)
        changed |= own.insert(head * (node->channels / source.heads)).second;
    }
    const bool dense = weighted && !source.depthwise;
    const bool side_by_side = source.op == Op::kAdd || source.op == Op::kMultiply || source.op == Op::kAttention;
    Starts grouped;  // starts that groups ask for, over all input channels
    if (dense && node->groups > 1) {
      for (int64_t group = 0; group < node->groups; ++group) {
        grouped.insert(group * (node->input_channels() / node->groups));
        changed |= own.insert(group * (node->channels / node->groups)).second;
      }
    }
    int64_t at = 0;
    for (const Range& range : node->inputs) {
      Starts& producer = starts[static_cast<std::size_t>(range.node)];
      changed |= producer.insert(range.from).second;
      if (dense) {
        changed |= copy_starts(grouped, at, range.count, range.from, producer);
      } else {
        if (!side_by_side) changed |= own.insert(at).second;
        changed |= unite(own, side_by_side ? 0 : at, producer, range.from, range.count);
      }
      at += range.count;
    }
  }
  return changed;
}

Blocks BlockMap::of_weight(const std::string& tensor) const {
  Blocks blocks;
  blocks.channels = outputs_.at(tensor);
  const auto found = weights_.find(tensor);
  if (found == weights_.end()) {
    blocks.starts = {0};
  } else {
    blocks.starts.assign(found->second.begin(), found->second.end());
  }
  return blocks;
}

Blocks BlockMap::of_node(std::size_t member, int node) const {
  const Starts& starts = nodes_[member][static_cast<std::size_t>(node)];
  return {{starts.begin(), starts.end()}, channels_[member][static_cast<std::size_t>(node)]};
}

}  // namespace limber
