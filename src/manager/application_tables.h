// SPDX-License-Identifier: Apache-2.0
// An application's profile, made ready for choices. Layer: manager.
#pragma once
#include <string>
#include <vector>

#include "manager/policy.h"
#include "manager/system_policy.h"

namespace limber {

// Takes the noise out of measured tables: times by frequency, each option for itself; watts of a core at a point over
// all options of a processor, since they are a matter of the core, not of the member (smoothing.h).
void smooth_tables(const std::vector<ManagedProcessor>& processors, ManagedApplication* application);

// [processor][point]: what one busy core takes beyond the idle processor; 0 where the application has no option.
std::vector<std::vector<double>> core_watts(const std::vector<ManagedProcessor>& processors,
                                            const ManagedApplication& application);

// Every member with its time on `threads` cores of a processor at its highest point, for make_policy(); of the fastest
// CPU where `processor` is empty. Fails with kInvalidArgument where a member has none.
std::vector<PolicyMember> members_at_highest(const ManagedApplication& application,
                                             const std::vector<ManagedProcessor>& processors,
                                             const std::string& processor, int threads);

}  // namespace limber
