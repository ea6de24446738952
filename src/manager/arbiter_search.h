// SPDX-License-Identifier: Apache-2.0
// Operating points and options of several applications. Layer: manager.
//
// Bounded work instead of bounded time, so that the same problem has the same answer on every machine.
#pragma once
#include <cstdint>
#include <vector>

#include "manager/arbiter_fit.h"

namespace limber {

class ArbiterSearch {
 public:
  explicit ArbiterSearch(const ArbiterTables& tables);

  struct Result {
    std::vector<std::size_t> points;            // of each processor
    std::vector<const ArbiterChoice*> choices;  // of each served application
  };
  Result run();

 private:
  void consider(const std::vector<std::size_t>& points);
  void climb(std::vector<std::size_t> points);
  void gather(std::size_t processor, int64_t base);
  void try_gathered();

  struct Combination {
    ArbiterCost least;
    std::size_t index = 0;
  };
  const ArbiterTables& tables_;
  ArbiterFit fit_;
  ArbiterFit::Result best_;
  std::vector<std::size_t> best_points_, points_;
  std::size_t applications_, processors_;
  // Of the processors from here on: the least of each application at any point, the least power without applications.
  std::vector<ArbiterLeast> least_from_;
  std::vector<int64_t> base_from_;
  std::vector<ArbiterLeast> least_before_;  // of the processors before this one, at points_
  std::vector<Combination> combinations_;
  std::vector<uint32_t> combination_points_;
  int64_t gathering_ = 0;
};

}  // namespace limber
