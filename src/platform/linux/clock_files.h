// SPDX-License-Identifier: Apache-2.0
// What the files of cpufreq and devfreq are called. Layer: platform; of clock_domain only.
#pragma once
#include "platform/linux/clock_domain.h"

namespace limber {

struct ClockDomain::Files {
  int64_t per_khz;  // the files' unit
  const char *governor, *governors, *steps, *low, *high, *current, *lowest, *highest;
};

}  // namespace limber
