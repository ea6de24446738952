// SPDX-License-Identifier: Apache-2.0
#include "tool/bench/switching.h"

#include <algorithm>

#include "base/counted_allocations.h"
#include "base/statistics.h"
#include "platform/clock.h"
#include "platform/samples.h"

namespace limber::tool {
namespace {

constexpr int kSelects = 10'000, kLeastRounds = 15, kBefore = 3, kHot = 3;

double select_ns(Subject& subject, const std::vector<int>& members) {
  const int64_t start = now_ns();
  for (int i = 0; i < kSelects; ++i) subject.select(members[static_cast<std::size_t>(i) % members.size()]);
  return static_cast<double>(now_ns() - start) / kSelects;
}

double infer_ms(Subject& subject) {
  const int64_t start = now_ns();
  subject.infer();
  return static_cast<double>(now_ns() - start) * 1e-6;
}

// As a "time": calm if nothing else ran on the core in any of it.
Timed first_over_hot(Subject& subject, int from, int to) {
  subject.select(from);
  for (int i = 0; i < kBefore; ++i) subject.infer();
  const Stopwatch watch;
  subject.select(to);
  const double first = infer_ms(subject);
  std::vector<double> hot;
  for (int i = 0; i < kHot; ++i) hot.push_back(infer_ms(subject));
  return {first / median(std::move(hot)), watch.stop().calm};
}

}  // namespace

SwitchCost measure_switch(Subject& subject, const std::vector<int>& members, double seconds) {
  SwitchCost cost;
  for (const int member : members) subject.run(member);  // a thread's first inference may do more than later ones
  std::vector<double> selects;
  int64_t before = counted_allocations();
  for (const int member : members) subject.select(member);
  cost.allocations_per_switch =
      static_cast<double>(counted_allocations() - before) / static_cast<double>(members.size());
  before = counted_allocations();
  for (const int member : members) subject.run(member);
  cost.allocations_per_inference =
      static_cast<double>(counted_allocations() - before) / static_cast<double>(members.size());

  std::vector<Samples> ratios(members.size());
  const int64_t begin = now_ns();
  for (int round = 0; round < kLeastRounds || static_cast<double>(now_ns() - begin) < seconds * 1e9; ++round) {
    selects.push_back(select_ns(subject, members));
    for (std::size_t to = 0; to < members.size(); ++to) {
      for (std::size_t from = 0; from < members.size(); ++from) {
        if (from != to) ratios[to].add(first_over_hot(subject, members[from], members[to]));
      }
    }
  }
  cost.select_ns = median(std::move(selects));
  for (const Samples& one : ratios) cost.first_ratio.push_back(median(one.values()));
  cost.worst_first_ratio = *std::max_element(cost.first_ratio.begin(), cost.first_ratio.end());
  return cost;
}

}  // namespace limber::tool
