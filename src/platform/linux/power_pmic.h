// SPDX-License-Identifier: Apache-2.0
// What `vcgencmd pmic_read_adc` prints. Layer: platform.
#pragma once
#include <string>

#include "platform/linux/power_meter.h"

namespace limber {

// "VDD_CORE_A current(7)=0.93A" and "VDD_CORE_V volt(15)=0.72V": rails with both, summed; others (EXT5V_V) have no
// current. The reason is set where there is no such rail.
PowerReading parse_pmic(const std::string& text);

}  // namespace limber
