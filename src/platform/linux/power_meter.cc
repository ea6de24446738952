// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/power_meter.h"

#include <utility>

namespace limber {

std::vector<std::unique_ptr<PowerMeter>> find_power_meters(const Fs& fs, std::vector<MissingMeter>& missing) {
  struct Kind {
    const char* name;
    std::unique_ptr<PowerMeter> (*find)(const Fs&, std::string&);
  };
  std::vector<std::unique_ptr<PowerMeter>> meters;
  for (const Kind& kind : {Kind{"INA", find_ina_hwmon}, Kind{"INA of L4T 4.9", find_ina_iio},
                           Kind{"Raspberry Pi 5", find_pmic}, Kind{"RAPL", find_rapl}}) {
    std::string reason;
    if (auto meter = kind.find(fs, reason))
      meters.push_back(std::move(meter));
    else
      missing.push_back({kind.name, reason});
  }
  // Stable: of those that see as much, the finer one stays ahead.
  for (size_t i = 1; i < meters.size(); ++i)
    for (size_t j = i; j > 0 && meters[j]->whole_board() && !meters[j - 1]->whole_board(); --j)
      std::swap(meters[j], meters[j - 1]);
  return meters;
}

}  // namespace limber
