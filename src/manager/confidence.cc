// SPDX-License-Identifier: Apache-2.0
#include "manager/confidence.h"

#include <algorithm>

namespace limber {
namespace {

constexpr int kFirst = 10;  // answers before a member is judged
constexpr double kForget = 0.05;
constexpr double kClearly = 0.05;  // so much surer than asked: a smaller member may do again

}  // namespace

void ConfidenceEstimate::observe(int member, double confidence, double target) {
  const auto m = static_cast<std::size_t>(member);
  if (member < 0 || m >= members_.size() || !(confidence >= 0 && confidence <= 1)) return;
  Mean& mean = members_[m];
  ++mean.count;
  mean.value += std::max(kForget, 1.0 / mean.count) * (confidence - mean.value);
  if (target <= 0 || mean.count < kFirst || mean.value < target + kClearly) return;
  // The largest of those that were not sure enough is tried again.
  for (std::size_t smaller = m; smaller-- > 0;) {
    if (enough(static_cast<int>(smaller), target)) continue;
    members_[smaller] = {};
    return;
  }
}

bool ConfidenceEstimate::enough(int member, double target) const {
  const Mean& mean = members_.at(static_cast<std::size_t>(member));
  return target <= 0 || mean.count < kFirst || mean.value >= target;
}

std::vector<ManagedMember> sure_members(std::vector<ManagedMember> members, const ConfidenceEstimate& estimate,
                                        double target) {
  for (std::size_t m = 0; m < members.size(); ++m) {
    if (!estimate.enough(static_cast<int>(m), target)) members[m].accuracy = -1;
  }
  return members;
}

}  // namespace limber
