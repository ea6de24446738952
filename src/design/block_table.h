// SPDX-License-Identifier: Apache-2.0
// Times of blocks, and of whole sub-networks as their sum. Layer: design.
//
// A block is what lies between two points of a sub-network where one tensor is left (cut_points.h) and that the plan
// does not compute together: no cut lies before a depthwise convolution. Blocks of equal shape take equal time,
// wherever they are: the key of an entry is the shape, so one table holds for the whole design space, and for others
// that share its shapes. What no block accounts for (the call itself, reading the answer) is one number more.
//
// The file is JSON: {"format": "limber-blocks", "version": 1, "key": {...}, "overhead_ms", "check": {...} | null,
// "energy": {...} | null, "blocks": [{"shape", "median_ms", "deviation_ms", "samples", "left_out", "unreliable"}]}.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "network/graph.h"
#include "network/sub_network.h"
#include "platform/machine.h"

namespace limber {

// One block of a sub-network: positions [first, last] in SubNetwork::nodes, and their shape as text: what is read, then
// every node with its operator, kernel, stride, channels, size, activation and which of the block's values it reads.
struct Block {
  std::size_t first = 0, last = 0;
  std::string shape;
};

// All of them, in order; together they have every node. Fails with kUnsupported on run-time symbols. O(nodes + inputs).
std::vector<Block> blocks_of(const Graph& graph, const SubNetwork& sub);

struct BlockTime {
  double median_ms = 0;
  double deviation_ms = 0;  // median absolute deviation from the median
  int64_t samples = 0;
  int64_t left_out = 0;     // more samples, in which the system gave the core to someone else
  bool unreliable = false;  // spread too far, or hardly ever undisturbed
};

// What must be the same for the times to hold.
struct BlockTableKey {
  std::string network;    // it was measured on; for people
  std::string precision;  // "f32"
  std::string isa;
  std::string cpu_model;
  int logical_cpus = 0;
  int core = 0;
  std::string governor;
  int64_t frequency_khz = 0;
  std::string limber;  // version
  std::string date;
};

// Whole sub-networks that were not used for the table, predicted and measured.
struct BlockTableCheck {
  int64_t sub_networks = 0;
  double mean_error = 0;   // mean of |predicted - measured| / measured
  double worst_error = 0;  // the largest
};

// Power while whole sub-networks ran, from the machine's sensor: energies are modelled as power times time.
struct BlockTableEnergy {
  double watts = 0;
  std::string sensor;
};

struct BlockTable {
  BlockTableKey key;
  double overhead_ms = 0;
  std::map<std::string, BlockTime> blocks;  // by shape
  std::optional<BlockTableCheck> check;
  std::optional<BlockTableEnergy> energy;  // nullopt: the machine has no sensor that could be read

  // Milliseconds of one inference. Fails with kInvalidArgument naming the first block that the table lacks.
  double latency_ms(const Graph& graph, const Choice& choice) const;
  // Modelled millijoules of one inference. Fails with kUnsupported where the table has no power.
  double energy_modelled_mj(const Graph& graph, const Choice& choice) const;
};

// Fails with kBadFile (or kNotFound, kIo) naming the place, what was found and what is legal.
BlockTable read_block_table(const std::string& path);
BlockTable parse_block_table(const std::string& text, const std::string& where);
std::string print_block_table(const BlockTable& table);
void write_block_table(const BlockTable& table, const std::string& path);  // whole or not at all

// Fails with kInvalidArgument, naming the differences, when the table is of another CPU model, ISA or precision;
// returns warnings, one line each, where its times may still hold: another governor, frequency, core count or version
// of Limber.
std::vector<std::string> check_block_table(const BlockTable& table, const std::string& isa, const Machine& machine,
                                           const std::string& where);

}  // namespace limber
