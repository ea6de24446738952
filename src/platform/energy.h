// SPDX-License-Identifier: Apache-2.0
// The energy this machine has used, where it has a counter. Layer: platform.
#pragma once
#include <memory>
#include <optional>
#include <string>

#include "platform/linux/power_rapl.h"

namespace limber {

// The joule counters of linux/power_rapl.h, for who wants millijoules and nothing else. Not thread-safe.
class EnergySensor {
 public:
  // nullopt with `reason` set when no counter exists or none can be read (they are root's on most systems).
  static std::optional<EnergySensor> find(std::string& reason, const std::string& root = "");

  // Millijoules since find(), all packages together. Reads a file per package (microseconds).
  double millijoules();
  const std::string& name() const { return name_; }  // "powercap: package-0"

 private:
  EnergySensor(std::shared_ptr<const Fs> fs, RaplCounters counters);

  std::shared_ptr<const Fs> fs_;
  RaplCounters counters_;
  std::string name_;
};

}  // namespace limber
