// SPDX-License-Identifier: Apache-2.0
// An arbiter's problem, flat: for each application, processor and point what may be chosen there. Layer: manager.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "manager/arbiter_cost.h"

namespace limber {

struct ArbiterChoice {
  ArbiterCost cost;
  int64_t share = 0;  // of its processor's core time
  uint32_t option = 0, processor = 0;
};

// What an application costs at least somewhere, and the least power it takes there, which may be another choice's.
struct ArbiterLeast {
  ArbiterCost cost{int64_t{1} << 55, 0, 0, 0};  // more than any choice: there is none
  int64_t power = int64_t{1} << 55;

  void operator&=(const ArbiterLeast& other) {
    if (other.cost < cost) cost = other.cost;
    power = std::min(power, other.power);
  }
};

class ArbiterTables {
 public:
  // The problem's sizes must fit, and it must stay as long as the tables.
  explicit ArbiterTables(const ArbiterProblem& problem);

  // Applications that have an option on an available processor; the others cannot be helped.
  const std::vector<std::size_t>& served() const { return served_; }
  const ArbiterArithmetic& arithmetic() const { return arithmetic_; }
  std::size_t processors() const { return lowest_.size(); }
  std::size_t lowest(std::size_t processor) const { return lowest_[processor]; }
  std::size_t highest(std::size_t processor) const { return highest_[processor]; }
  int64_t base(std::size_t processor, std::size_t point) const { return base_[slot(processor, point)]; }

  // Of the a-th served application: best first, without those that another one beats in every respect, the core time
  // included. Only points within the limits.
  std::span<const ArbiterChoice> choices(std::size_t a, std::size_t processor, std::size_t point) const {
    const std::size_t group = slot(processor, point) * served_.size() + a;
    return {choices_.data() + begin_[group], end_[group] - begin_[group]};
  }

  // Of every served application, the least over choices().
  const ArbiterLeast* least(std::size_t processor, std::size_t point) const {
    return least_.data() + slot(processor, point) * served_.size();
  }

 private:
  std::size_t slot(std::size_t processor, std::size_t point) const { return first_slot_[processor] + point; }
  void fill(std::size_t a, const ArbiterApplication& application, const std::vector<uint32_t>& options);
  void insert(std::size_t begin, const ArbiterChoice& choice);

  ArbiterArithmetic arithmetic_;
  std::vector<std::size_t> served_, lowest_, highest_, first_slot_;
  std::vector<int64_t> base_;
  std::vector<ArbiterChoice> choices_;
  std::vector<uint32_t> begin_, end_;
  std::vector<ArbiterLeast> least_;
};

}  // namespace limber
