// SPDX-License-Identifier: Apache-2.0
// The resource manager with applications that do not announce their frames. Layer: manager.
#pragma once
#include <memory>
#include <vector>

#include "manager/system_policy.h"

namespace limber {

// What limberd does for applications that only report: processor, cores and clock by plan, for a second or until there
// is a reason; which member answers, up to the one that was planned, is each application's own choice frame by frame
// (policy "dynamic"). Against the resource manager itself it shows what an order for each frame is worth.
std::unique_ptr<SystemPolicy> make_assigned(std::vector<ManagedProcessor> processors);

}  // namespace limber
