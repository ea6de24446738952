// SPDX-License-Identifier: Apache-2.0
// The design space: named dimensions with their legal choices, and what depends on them. Layer: network.
// Plain data: no invariants beyond what check() in graph.h verifies; copy freely, share read-only between threads.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace limber {

struct Dimension {
  std::string name;              // "groups", "resolution", "stage2.depth", ...
  std::vector<int64_t> choices;  // ascending, distinct, not empty
};

struct DesignSpace {
  std::vector<Dimension> dimensions;
};

// One value for every dimension, in the order of DesignSpace::dimensions.
using Choice = std::vector<int64_t>;

// "groups=2,depth=3" for people, and back. The last part of a name is the dimension's kind ("stage2.depth": depth);
// where several of a kind have one value, the text gives it once: "depth=3".
std::string to_string(const DesignSpace& space, const Choice& choice);
// Every dimension must get a value, by its full name or by a shorter one that ends in (the beginning of) a kind:
// "d=4,e=6,k=7,r=224" sets all depths, expansions, kernels and the resolution, "stage2.k=5" the kernels inside stage2.
// More precise names win, in any order: "d=4,stage2.d=3". Fails naming the unknown dimension or the legal values.
Choice parse_choice(const DesignSpace& space, const std::string& text);

// The first, the last choice of every dimension.
Choice smallest_choice(const DesignSpace& space);
Choice largest_choice(const DesignSpace& space);

// A run-time symbol: an extent that is only known at each inference (sequence or cache length).
struct Symbol {
  std::string name;
  int64_t maximum = 0;  // memory is planned for this
};

// An extent is a constant, a table over one or more dimensions, or affine in one run-time symbol.
struct Extent {
  int64_t constant = 0;
  std::vector<int> by;                            // indices of dimensions; empty: not a table
  std::map<std::vector<int64_t>, int64_t> table;  // choice of the dimensions in `by` -> value
  int symbol = -1;                                // index of a Symbol, or -1
  int64_t per_symbol = 0;                         // value = constant + per_symbol * symbol

  Extent() = default;
  Extent(int64_t value) : constant(value) {}  // NOLINT: a number is an extent
};

// An extent once the choice is known: constant + per_symbol * (value of symbol).
struct Resolved {
  int64_t constant = 0;
  int64_t per_symbol = 0;
  int symbol = -1;

  bool operator==(const Resolved&) const = default;
  int64_t at(int64_t value) const { return constant + per_symbol * value; }
};

// The extent for this choice, which must be one of the space's (see check()).
Resolved resolve(const Extent& extent, const Choice& choice);

// Fails unless the choice has one legal value for every dimension; the message lists the legal ones.
void check_choice(const DesignSpace& space, const Choice& choice);

}  // namespace limber
