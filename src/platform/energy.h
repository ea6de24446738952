// SPDX-License-Identifier: Apache-2.0
// The energy this machine uses, by whatever meter it has. Layer: platform.
#pragma once
#include <memory>
#include <optional>
#include <string>

#include "platform/linux/power_meter.h"

namespace limber {

// One meter of linux/power_meter.h, for who wants millijoules and nothing else. Not thread-safe.
class EnergySensor {
 public:
  // The user's meter (see ExternalMeter) where `power_from` names one, else that of the machine's own that sees most.
  // nullopt with `reason` set where none is there or none can be read. Fails as ExternalMeter does.
  static std::optional<EnergySensor> find(std::string& reason, const std::string& power_from = "",
                                          const std::string& root = "");

  // Millijoules since find(). To be called at least every period_ms(): most meters show watts of the moment. Costs a
  // few file accesses, with some meters a millisecond, but not more often than that.
  double millijoules();
  double period_ms() const { return meter_->period_ms(); }
  const std::string& name() const { return name_; }  // "powercap: package-0", "ina3221"

 private:
  EnergySensor(std::shared_ptr<const Fs> fs, std::unique_ptr<PowerMeter> meter);

  std::shared_ptr<const Fs> fs_;
  std::unique_ptr<PowerMeter> meter_;
  std::string name_;
};

}  // namespace limber
