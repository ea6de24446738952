// SPDX-License-Identifier: Apache-2.0
// Which weights a step asks the cache for while it computes. Layer: network.
#pragma once
#include "kernels/kernels.h"
#include "network/plan.h"

namespace limber {

// The first weights of the next dense convolution or linear layer; `step` is one of the plan's. See
// docs/decisions/fetching-ahead.md.
kernels::Upcoming fetch_ahead(const Plan& plan, const Step& step);

}  // namespace limber
