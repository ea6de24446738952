// SPDX-License-Identifier: Apache-2.0
// Which rail of a power meter feeds a processor, where its name says so. Layer: platform.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "platform/linux/power_meter.h"
#include "platform/linux/processors.h"

namespace limber {

struct ProcessorRail {
  std::string name;    // Rail::name
  bool alone = false;  // nothing else hangs on it, as far as names tell
  bool chip = false;   // all that heats the chip hangs on it
};

// Of CPUs: a rail named after the processor ("VDD_A15"), the Odroid XU3's sensors by their addresses, a rail with the
// word CPU in its name (Jetson's POM_5V_CPU, VDD_CPU_GPU_CV), or the only package of RAPL, which all CPUs and what else
// is in it share. Of GPUs: the word GPU. nullopt where no name says so: "VDD_CORE" may be anything.
std::optional<ProcessorRail> rail_of(const std::vector<Rail>& rails, const std::vector<LinuxProcessor>& processors,
                                     std::size_t index);

}  // namespace limber
