// SPDX-License-Identifier: Apache-2.0
// Which members are sure enough of their answers, learnt from what they answered. Layer: manager.
#pragma once
#include <cstddef>
#include <vector>

#include "manager/system_policy.h"

namespace limber {

// A target may ask for confidence (the softmax's largest probability, on average) instead of, or beside, a stored
// accuracy: how sure a network is depends on what it sees. A member that is not sure enough counts as below the floor.
// Whether a smaller one would be again is found out by letting it answer once a larger one is clearly surer than asked.
// Plain data; the same observations give the same answers.
class ConfidenceEstimate {
 public:
  explicit ConfidenceEstimate(std::size_t members = 0) : members_(members) {}

  // 0..1; anything else is ignored, as is a member that is not there.
  void observe(int member, double confidence, double target);
  // Not known to be less sure than asked, after some answers.
  bool enough(int member, double target) const;

 private:
  struct Mean {
    double value = 0;
    int count = 0;
  };
  std::vector<Mean> members_;
};

// The members with the accuracy of those that are not sure enough set below every floor.
std::vector<ManagedMember> sure_members(std::vector<ManagedMember> members, const ConfidenceEstimate& estimate,
                                        double target);

}  // namespace limber
