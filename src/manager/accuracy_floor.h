// SPDX-License-Identifier: Apache-2.0
// A floor under the accuracy of what a policy chooses. Layer: manager.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "manager/policy.h"

namespace limber {

// Indices of the members whose accuracy is known and at least `floor` (0..1). Fails with kInvalidArgument, naming what
// is known, where there is none.
std::vector<int> members_above(const std::vector<PolicyMember>& members, double floor);

// As make_policy, but only of members with at least this accuracy: the others are never chosen, also where no deadline
// can be met then, which the reason says. Fails as make_policy does, on a static member below the floor, and on
// "anytime", whose first answers are the smallest member's. floor 0: every member.
std::unique_ptr<Policy> make_policy(const std::string& name, const std::vector<PolicyMember>& members, double floor);

}  // namespace limber
