// SPDX-License-Identifier: Apache-2.0
// What each step of a training adds to the step before: read off the graph, so every wiring works. Layer: train.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "network/sub_network.h"

namespace limber::train {

// Step n trains what member n has and member n-1 lacks; all else is frozen.
struct Step {
  SubNetwork network;             // the member
  std::vector<bool> fresh;        // by graph node: new in this step
  int answer = -1;                // the graph's linear node whose outputs are the logits
  std::vector<Range> old_ranges;  // what the answer read in the step before: frozen columns of its weight
  std::vector<Range> new_ranges;  // what it reads in addition: columns trained now
  bool own_columns = true;  // the answer's leaf holds just these columns; false: the whole weight (super-networks)
};

// Fails (kBadFile, naming node and member) when a member is not its predecessor plus new nodes that only the answer
// joins.
std::vector<Step> plan_steps(const Graph& graph, const std::vector<Choice>& members);

// One sub-network of a super-network as a step of its own: all of it is trained.
Step sub_network_step(const Graph& graph, const Choice& choice);

// Shapes of all tensors that the steps use, as the model file holds them.
std::map<std::string, std::vector<int64_t>> tensor_shapes(const Graph& graph, const std::vector<Step>& steps);

}  // namespace limber::train
