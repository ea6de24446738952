// SPDX-License-Identifier: Apache-2.0
// The choices a search moves in: legal ones of one graph, each sub-network in one canonical form. Layer: design.
//
// A choice has a value for every dimension, also for those of a block that the chosen depth leaves out. Such values
// change nothing, so two choices may be one sub-network. The canonical form has the first value everywhere where the
// value does not matter: what a search has evaluated is then never evaluated again under another name.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "base/random.h"
#include "network/graph.h"

namespace limber {

// Immutable once restricted: any number of threads may ask. The graph must have passed check().
class ChoiceSpace {
 public:
  explicit ChoiceSpace(Graph graph);

  // From now on only these values of the dimension are drawn; each must be one of its choices, or fail() says which
  // are.
  void restrict_to(const std::string& dimension, const std::vector<int64_t>& values);

  const Graph& graph() const { return graph_; }
  const DesignSpace& space() const { return graph_.space; }
  // Of each dimension, the values that are drawn: ascending.
  const std::vector<std::vector<int64_t>>& values() const { return values_; }
  // How many choices there are, several of which may be one sub-network; a double, as 10^19 is nothing special.
  double size() const;

  // The canonical form; nullopt if the choice is illegal: outside the (restricted) space, or resolve() refuses it.
  // One resolve(): tens of microseconds for a graph of 200 nodes.
  std::optional<Choice> canonical(const Choice& choice) const;

  // All functions below take canonical choices and return legal canonical ones. Illegal draws are drawn again; when a
  // thousand in a row are illegal, samples fail(), children are their (first) parent.
  Choice sample(Random& random) const;  // each dimension's value uniform and independent of the others
  // The same with a lean, itself uniform, towards every dimension's first or last value: uniform draws have nearly all
  // the same size, these cover the space from the smallest sub-network to the largest.
  Choice sample_spread(Random& random) const;
  std::optional<Choice> smallest() const;  // the first value everywhere; nullopt if that is illegal
  std::optional<Choice> largest() const;   // the last value everywhere; nullopt if that is illegal
  // Each dimension is drawn anew with this probability. A dimension that starts to matter thereby is drawn too.
  Choice mutate(const Choice& choice, double probability, Random& random) const;
  // Each dimension's value from either parent, or where it matters in only one of them, from that one.
  Choice cross(const Choice& a, const Choice& b, Random& random) const;

  // The number of dimensions in which two canonical choices differ: 0 means one sub-network.
  static int distance(const Choice& a, const Choice& b);
  // Whether each dimension's value matters in this choice, which must be legal.
  std::vector<bool> live(const Choice& choice) const;

 private:
  struct Uses {             // what one node asks of the choice
    std::vector<int> by;    // dimensions of its extents
    std::vector<int> when;  // dimensions of its conditions
  };

  template <typename Draw>
  Choice drawn(const Choice* otherwise, Draw&& draw) const;
  bool holds(const Presence& presence, const Choice& choice) const;
  std::vector<bool> live(const std::vector<bool>& needed, const Choice& choice) const;

  Graph graph_;
  std::vector<std::vector<int64_t>> values_;
  std::vector<Uses> uses_;
  bool simple_ = true;  // no node has conditions on two dimensions
};

}  // namespace limber
