// SPDX-License-Identifier: Apache-2.0
// The rule of the Dynamic-OFA demo, as a baseline. Layer: manager.
// Source: Lou et al., Dynamic-OFA (ECV 2021) and its published code.
//
// As published: each inference is timed; at each level (member) the first 20 inferences are ignored, and so are
// outliers, 90 ms and above where the constraint is 60; when the mean of the last 20 is above the constraint, the level
// below takes over. Levels are those that keep the required accuracy (accuracy_floor.h). The last two levels are
// remembered against oscillation.
// Reconstructed, since the code only climbs to reach the required accuracy and the paper does not say: the constraint
// is a frame's deadline and a frame counts as one inference; an outlier takes 1.5 times the constraint; the level above
// takes over when the mean, grown as the profile says, is at most the constraint, or nine tenths of it if that level is
// one of the last two that were left. It starts with the largest.
#pragma once
#include <memory>
#include <vector>

#include "manager/policy.h"

namespace limber {

// Members ascend in cost; at least one.
std::unique_ptr<Policy> make_dynamic_ofa(std::vector<PolicyMember> members);

}  // namespace limber
