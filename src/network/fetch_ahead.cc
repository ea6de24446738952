// SPDX-License-Identifier: Apache-2.0
#include "network/fetch_ahead.h"

#include <algorithm>

namespace limber {
namespace {

// So many bytes, the first ones: more is waited for longer than it would be later, and pushes each other out of a small
// L2 cache.
constexpr int64_t kFetchAhead = 768 << 10;

}  // namespace

// What lies between two convolutions is too short to wait for them.
kernels::Upcoming fetch_ahead(const Plan& plan, const Step& step) {
  for (const Step* next = &step + 1; next < plan.steps.data() + plan.steps.size(); ++next) {
    if ((next->op != Op::kConv2d && next->op != Op::kLinear) || next->depthwise) continue;
    int64_t channels = 0, from = INT64_MAX;
    for (const PlanRange& range : plan.inputs_of(*next)) {
      channels += range.channels;
      from = std::min<int64_t>(from, range.weight_from);
    }
    if (channels == 0) return {};
    const int64_t runs = (next->channels + 15) / 16 * int64_t{next->kernel} * next->kernel;
    const kernels::PackedPanels panels = next->panels();
    const int64_t bytes = channels * 16 * panels.value_bytes();
    return {panels.at(from * 16), std::min(runs, std::max<int64_t>(1, kFetchAhead / bytes)), bytes,
            next->tap_stride * panels.value_bytes()};
  }
  return {};
}

}  // namespace limber
