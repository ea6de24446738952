// SPDX-License-Identifier: Apache-2.0
#include "manager/arbiter_tables.h"

namespace limber {
namespace {

// At least as good in everything that a decision adds up.
bool beats(const ArbiterChoice& a, const ArbiterChoice& b) {
  return a.share <= b.share && a.cost.unmet <= b.cost.unmet && a.cost.loss <= b.cost.loss &&
         a.cost.power <= b.cost.power && a.cost.energy <= b.cost.energy;
}

}  // namespace

ArbiterTables::ArbiterTables(const ArbiterProblem& problem) : arithmetic_(problem) {
  std::size_t slots = 0, pairs = 0;
  for (std::size_t p = 0; p < problem.processors.size(); ++p) {
    const ArbiterProcessor& processor = problem.processors[p];
    highest_.push_back(std::min(processor.highest, processor.idle_w.size() - 1));
    lowest_.push_back(std::min(processor.lowest, highest_.back()));
    first_slot_.push_back(slots);
    slots += processor.idle_w.size();
    for (std::size_t point = 0; point < processor.idle_w.size(); ++point) base_.push_back(arithmetic_.base(p, point));
  }
  for (std::size_t a = 0; a < problem.applications.size(); ++a) {
    bool any = false;
    for (const ArbiterOption& option : problem.applications[a].options) {
      if (!problem.processors[option.processor].available) continue;
      any = true;
      pairs += highest_[option.processor] - lowest_[option.processor] + 1;
    }
    if (any) served_.push_back(a);
  }
  choices_.reserve(pairs);
  begin_.resize(slots * served_.size(), 0);
  end_.resize(slots * served_.size(), 0);
  least_.resize(slots * served_.size());
  std::vector<uint32_t> here;
  for (std::size_t a = 0; a < served_.size(); ++a) {
    const ArbiterApplication& application = problem.applications[served_[a]];
    for (std::size_t p = 0; p < problem.processors.size(); ++p) {
      if (!problem.processors[p].available) continue;
      here.clear();
      for (std::size_t o = 0; o < application.options.size(); ++o) {
        if (application.options[o].processor == p) here.push_back(static_cast<uint32_t>(o));
      }
      if (!here.empty()) fill(a, application, here);
    }
  }
}

// At all points of the processor that all these options are on.
void ArbiterTables::fill(std::size_t a, const ArbiterApplication& application, const std::vector<uint32_t>& options) {
  const std::size_t processor = application.options[options.front()].processor;
  for (std::size_t point = lowest_[processor]; point <= highest_[processor]; ++point) {
    const std::size_t begin = choices_.size(), group = slot(processor, point) * served_.size() + a;
    for (const uint32_t o : options) {
      const ArbiterOption& option = application.options[o];
      insert(begin, {arithmetic_.cost(application, option, point), arithmetic_.share(application, option, point), o,
                     static_cast<uint32_t>(processor)});
    }
    begin_[group] = static_cast<uint32_t>(begin);
    end_[group] = static_cast<uint32_t>(choices_.size());
    for (std::size_t i = begin; i < choices_.size(); ++i) least_[group] &= {choices_[i].cost, choices_[i].cost.power};
  }
}

// Into the list that starts at begin and ends with choices_, unless one there beats it; those it beats go.
void ArbiterTables::insert(std::size_t begin, const ArbiterChoice& choice) {
  std::size_t at = begin;
  for (; at < choices_.size() && !(choice.cost < choices_[at].cost); ++at) {
    if (beats(choices_[at], choice)) return;
  }
  std::size_t kept = at;
  for (std::size_t i = at; i < choices_.size(); ++i) {
    if (!beats(choice, choices_[i])) choices_[kept++] = choices_[i];
  }
  choices_.resize(kept);
  choices_.insert(choices_.begin() + static_cast<std::ptrdiff_t>(at), choice);
}

}  // namespace limber
