// SPDX-License-Identifier: Apache-2.0
// Which plane and lane a channel lies in. Layer: network.
#pragma once
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "network/network.h"
#include "network/sub_network.h"

namespace limber {

// Channels are cut into blocks; each block starts a new plane, so that a slice that starts there can be read in place.
struct Blocks {
  std::vector<int64_t> starts;  // ascending, the first 0
  int64_t channels = 0;

  int64_t block_end(std::size_t block) const { return block + 1 < starts.size() ? starts[block + 1] : channels; }
  int64_t planes() const { return plane_of(channels); }
  // The plane in which `channel` lies; for a block's start and for `channels`, the first plane that belongs to nothing
  // before.
  int64_t plane_of(int64_t channel) const;
  // Lane of any channel: plane * 16 + lane within it.
  int64_t lane_of(int64_t channel) const;
  // No plane but the last has a lane without a channel: channel c lies in plane c / 16.
  bool dense() const;
};

// A piece of a range that lies in successive planes.
struct Piece {
  int64_t plane = 0, channels = 0, from = 0;  // from: first channel, counted from the range's first
};
std::vector<Piece> pieces(const Blocks& blocks, int64_t from, int64_t count);

// Where blocks start: in the output axis of every weight tensor, and in every node's output, such that every slice that
// some member reads starts a block. Weights are cut the same way for the whole family, so members share them.
class BlockMap {
 public:
  // O(rounds * members * inputs): repeats until nothing changes, a few rounds.
  BlockMap(const Graph& graph, const std::vector<SubNetwork>& members, const std::map<std::string, int64_t>& outputs);

  Blocks of_weight(const std::string& tensor) const;
  Blocks of_node(std::size_t member, int node) const;

 private:
  bool relate(const Graph& graph, const SubNetwork& sub, std::vector<std::set<int64_t>>& starts);

  std::map<std::string, int64_t> outputs_;             // weight tensor -> length of its output axis
  std::map<std::string, std::set<int64_t>> weights_;   // weight tensor -> starts
  std::set<int64_t> input_;                            // all inputs of the graph are cut the same way
  std::vector<std::vector<std::set<int64_t>>> nodes_;  // [member][graph node] -> starts
  std::vector<std::vector<int64_t>> channels_;
};

}  // namespace limber
