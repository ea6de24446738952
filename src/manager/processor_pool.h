// SPDX-License-Identifier: Apache-2.0
// A device's processors as the resource manager sees and orders them. Layer: manager.
#pragma once
#include <cstddef>
#include <vector>

#include "manager/power_estimate.h"
#include "manager/system_policy.h"

namespace limber {

// What applications want of a processor's clock.
struct ClockWish {
  bool running = false;     // announced frames run, and want at least:
  std::size_t wanted = 0;   // this point
  std::size_t planned = 0;  // by the last division, of all who are there
  bool always = false;      // somebody is there whose frames are not announced, and relies on the plan
};

// What is known of each processor (availability, limits, who else works there), which cores run frames, and what is
// asked of its clock. Plain data, reads no clock.
class ProcessorPool {
 public:
  // smooth: idle powers are measurements, whose noise is taken out (smoothing.h).
  ProcessorPool(std::vector<ManagedProcessor> processors, bool smooth);

  std::size_t size() const { return tables_.size(); }
  const std::vector<ManagedProcessor>& tables() const { return tables_; }
  const ManagedProcessor& tables(std::size_t p) const { return tables_[p]; }
  bool available(std::size_t p) const { return states_[p].available; }
  std::size_t highest(std::size_t p) const { return states_[p].highest; }  // point that heat and limits leave
  std::size_t point(std::size_t p) const { return states_[p].point; }      // that was ordered
  const std::vector<double>& others(std::size_t p) const { return states_[p].others; }
  double others_sum(std::size_t p) const;
  // The same, for a plan: later changes that matter to it are what look() tells.
  const std::vector<double>& plan_others(std::size_t p);

  // Takes over what monitors show; true where plans should be made anew. learn: the meters tell how hard we work it.
  bool look(const SystemView& view, bool learn);

  // Others work there, and not only for moments: its clock is the governor's, at least where they need it.
  bool foreign(std::size_t p) const;
  // The point that others need, by the governor's own rule: a quarter more than they use now.
  std::size_t needed(std::size_t p) const { return states_[p].needed; }

  // Between frames its clock may rest at the lowest point: waking it takes little of the shortest deadline.
  void set_shortest_deadline(double ms) { shortest_ms_ = ms; }
  bool parks(std::size_t p) const;
  // Before work begins there: the clock must wake first.
  double delay_ms(std::size_t p) const;
  // Watts with nothing to do at one point, less those at another.
  double clock_w(std::size_t p, std::size_t from, std::size_t to) const;

  bool idle(std::size_t p, int core) const;    // none of our frames there, and hardly anybody else
  double load(std::size_t p, int core) const;  // frames of ours and the share of others
  void take(std::size_t p, const std::vector<int>& cores);
  void release(std::size_t p, const std::vector<int>& cores);

  // A processor that never was of use to us is left alone.
  void order(std::size_t p, const ClockWish& wish);
  void give_back(std::size_t p);
  const std::vector<ClockOrder>& clocks() const { return clocks_; }

  PowerEstimate power;

 private:
  struct State {
    bool available = true, ours = false;  // ours: a frame ran there
    std::size_t highest = 0, point = 0, needed = 0;
    std::vector<double> others, planned_others;  // of each core
    std::vector<int> used_by;                    // frames that run on each core
  };

  void find_needed(std::size_t p, std::size_t now);

  std::vector<ManagedProcessor> tables_;
  std::vector<State> states_;
  std::vector<ClockOrder> clocks_;
  double shortest_ms_ = 0;
};

}  // namespace limber
