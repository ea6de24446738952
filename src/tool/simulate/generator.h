// SPDX-License-Identifier: Apache-2.0
// Random scenarios. Layer: tool.
#pragma once
#include <cstdint>

#include "tool/simulate/scenario.h"

namespace limber::tool {

// One to three applications on one of the shipped boards, with arrivals of every kind, changing targets, strangers, and
// now and then a processor taken away, a thermal cap or meters that fail. The same seed gives the same scenario. Seeds
// below 1000 are for tuning policies, those from 1000 on for comparing them.
Scenario random_scenario(uint64_t seed);

}  // namespace limber::tool
