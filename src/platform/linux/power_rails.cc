// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/power_rails.h"

#include <algorithm>
#include <array>
#include <cerrno>

namespace limber {

RailMeter::RailMeter(const Fs& fs, std::string name, std::vector<RailFiles> rails, double period_ms,
                     double resolution_w)
    : fs_(fs),
      name_(std::move(name)),
      rails_(std::move(rails)),
      period_ms_(period_ms),
      resolution_w_(resolution_w),
      feeding_(rails_.size()) {
  // Jetson's names of its input; POM is what the Nano's older kernel writes for VDD.
  constexpr std::array<const char*, 3> kInputs = {"VDD_IN", "POM_5V_IN", "POM_IN"};
  for (size_t i = 0; i < rails_.size(); ++i)
    if (std::find(kInputs.begin(), kInputs.end(), rails_[i].name) != kInputs.end()) feeding_ = i;
}

PowerReading RailMeter::read(int64_t) {
  PowerReading reading;
  double sum = 0, feeding = -1;
  for (size_t i = 0; i < rails_.size(); ++i) {
    const RailFiles& rail = rails_[i];
    double watts = 0;
    if (!rail.power.empty()) {
      const auto value = read_integer(fs_, rail.power);
      if (!value) {
        if (reading.reason.empty()) reading.reason = explain(rail.power, fs_.read(rail.power).error);
        continue;
      }
      watts = static_cast<double>(*value) * rail.watts_per_unit;
    } else {
      const auto volt = read_integer(fs_, rail.volt_mv), current = read_integer(fs_, rail.current_ma);
      if (!volt || !current) {  // a channel that is switched off: ENODATA
        const std::string& refused = volt ? rail.current_ma : rail.volt_mv;
        if (reading.reason.empty()) reading.reason = explain(refused, fs_.read(refused).error);
        continue;
      }
      watts = static_cast<double>(*volt) * static_cast<double>(*current) * 1e-6;
    }
    watts = std::max(watts, 0.0);  // a rail that is off reads some milliwatts below nothing
    reading.rails.push_back({rail.name, watts});
    sum += watts;
    if (i == feeding_) feeding = watts;
  }
  if (reading.rails.empty()) return reading;
  // The feeding rail failing must not turn into a sum that means something else.
  if (feeding_ < rails_.size() && feeding < 0) return reading;
  reading.watts = feeding >= 0 ? feeding : sum;
  reading.reason.clear();
  return reading;
}

}  // namespace limber
