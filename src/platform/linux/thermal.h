// SPDX-License-Identifier: Apache-2.0
// Temperatures, and whether the kernel cools by slowing down. Layer: platform.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "platform/linux/outcome.h"

namespace limber {

struct ThermalZone {
  std::string type, path;  // "CPU-therm"; the folder
};

// Zones that stand for the chip or the board: PMIC-Die of Jetsons is a constant, batteries and radios are not heated by
// us. One that cannot be read now is kept (sensors of a powered-off part fail), its reading is just left out.
std::vector<ThermalZone> find_thermal_zones(const Fs& fs);

// nullopt where it fails, or shows no temperature (0 and below, 150 and above: a sensor that is off).
std::optional<double> read_celsius(const Fs& fs, const ThermalZone& zone);

struct CoolingState {
  std::string type;           // "cpufreq-cpu0", "gpu-cooling"; no fans
  int64_t now = 0, most = 0;  // 0: does not cool
};
std::vector<CoolingState> read_cooling(const Fs& fs);

// The Raspberry Pi's firmware slows down on its own; nullopt where there is no vcgencmd.
struct ThrottleFlags {
  bool under_voltage = false, capped = false, throttled = false, soft_limit = false;  // now
  bool ever = false;                                                                  // any of them since boot
};
std::optional<ThrottleFlags> parse_throttled(const std::string& text);  // "throttled=0x50005"
std::optional<ThrottleFlags> read_throttled(const Fs& fs);

std::vector<Monitor> thermal_monitors(const Fs& fs);

}  // namespace limber
