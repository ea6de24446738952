// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/power_meter.h"

#include <algorithm>
#include <utility>

namespace limber {

double PowerMeter::millijoules(int64_t now_ns) {
  constexpr double kLeastMs = 1;
  if (since_ns_ < 0) {
    since_ns_ = now_ns;
    watts_ = std::max(0.0, read(now_ns).watts);
    return 0;
  }
  const double ms = static_cast<double>(now_ns - since_ns_) * 1e-6;
  if (ms < std::max(period_ms(), kLeastMs)) return spent_mj_ + watts_ * ms;
  const double now_w = read(now_ns).watts, watts = now_w >= 0 ? now_w : watts_;  // one that fails shows what it showed
  spent_mj_ += (watts_ + watts) / 2 * ms;
  watts_ = watts;
  since_ns_ = now_ns;
  return spent_mj_;
}

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
