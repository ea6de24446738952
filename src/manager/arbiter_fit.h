// SPDX-License-Identifier: Apache-2.0
// At given operating points, one option for each application: those that are best alone, or where these are together
// too much for a processor or for the power cap, what a search finds. Layer: manager.
#pragma once
#include <cstdint>
#include <vector>

#include "manager/arbiter_tables.h"

namespace limber {

class ArbiterFit {
 public:
  explicit ArbiterFit(const ArbiterTables& tables);

  struct Result {
    ArbiterCost cost;
    std::vector<const ArbiterChoice*> choices;  // of each served application
  };

  // One application after the other, then single changes as long as one helps. True if that is less than the given
  // result, which it then becomes.
  bool quick(const std::vector<std::size_t>& points, Result* best);

  // Branch and bound: the least there is, unless it takes more than this many steps, which are counted off.
  bool thorough(const std::vector<std::size_t>& points, Result* best, int64_t* steps);

 private:
  struct Application {
    std::size_t index = 0, begin = 0, end = 0;  // which; its choices in merged_, at these points
    ArbiterLeast least;                         // of these
    const ArbiterChoice* now = nullptr;
  };
  bool prepare(const std::vector<std::size_t>& points);
  bool has_room(const Application& application);
  void take(const ArbiterChoice& choice);
  void put_back(const ArbiterChoice& choice);
  ArbiterCost with(const ArbiterChoice& choice) const;
  void improve();
  void descend(std::size_t depth);
  void keep(const ArbiterCost& cost);

  const ArbiterTables& tables_;
  std::vector<Application> applications_;  // those with the most at stake first
  std::vector<const ArbiterChoice*> merged_;
  std::vector<ArbiterCost> least_after_;  // of the applications from here on, each alone
  std::vector<int64_t> least_power_after_;
  std::vector<int64_t> used_;  // of each processor's core time
  ArbiterCost sum_;            // of what is taken, with the excess of processors, without the power cap
  ArbiterCost bound_;          // what is best for each, alone
  Result* best_ = nullptr;
  int64_t steps_ = 0;
  bool better_ = false;
};

}  // namespace limber
