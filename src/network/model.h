// SPDX-License-Identifier: Apache-2.0
// A model: a network compiled for this processor. Layer: network.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "network/network.h"

namespace limber {

class Plan;

struct ModelOptions {
  std::string isa;  // "" = the best this machine has, else "avx512", "avx2", "sse4", "neon" (LIMBER_FORCE_ISA too)
  std::string cache_directory;  // packed weights; "" = $LIMBER_CACHE or $XDG_CACHE_HOME/limber or ~/.cache/limber
  bool use_cache = true;        // an unwritable cache means private memory, see Memory::packed_shared
};

// Which bytes are which, in bytes.
struct Memory {
  int64_t weights = 0;         // packed weights of the whole family, once
  int64_t padding = 0;         // of these, zeros added by packing
  bool packed_shared = false;  // the packed weights are a read-only mapping that processes share
  int64_t per_member = 0;      // folded normalisation, kernel-transform results, plans: all members together
  int64_t arena = 0;           // one session's activations (sized for the largest member)
  int64_t exit_plan = 0;       // the exit plan's description, which no member needs
  int64_t exit_arena = 0;      // per image of a batch, in addition, when the exit plan is used
  int64_t largest_alone = 0;   // weights + per-member + arena of a model that holds only the largest member
};

// Immutable and thread-safe. Building costs milliseconds to seconds (packing); everything after is read-only. Holds the
// plans of the whole family; plans do not depend on the number of cores.
class Model {
 public:
  // Checks the network, packs the weights (or maps the cache), compiles every member. Fails with a clear Error.
  static std::shared_ptr<const Model> build(Network network, const ModelOptions& options = {});
  ~Model();

  const Network& network() const;
  const std::string& isa() const;
  int members() const;  // size of the family
  const Member& member(int index) const;
  int find_member(const std::string& name) const;  // fails listing the legal names
  int64_t macs(int member) const;                  // multiply-accumulates of one inference
  const Plan& plan(int member) const;
  // nullptr: the family does not nest (sharing would not keep the work within 1.1 times the largest member's) or has
  // state. Exit n answers as member n would, bit for bit; in a graph with marked exits, as the n-th marked node of the
  // largest member.
  const Plan* exit_plan() const;
  int exits() const;  // of the exit plan; 0 without one
  Memory memory() const;
  // Images have the size that the active member reads (they differ where resolution is a dimension), with run-time
  // symbols at their maximum. Without an argument: of the largest member.
  int64_t input_height(int member = -1) const;
  int64_t input_width(int member = -1) const;
  int64_t input_channels(int member = -1) const;
  int64_t outputs(int member = -1) const;  // length of one answer (classes), [channels][height][width]
  int largest_member() const;              // the one with the most multiply-accumulates

 private:
  Model();
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace limber
