// SPDX-License-Identifier: Apache-2.0
// The energy this machine has used, where it has a sensor. Layer: platform.
#pragma once
#include <optional>
#include <string>
#include <vector>

namespace limber {

// Joule counters of the powercap interface (RAPL packages). Not thread-safe: remembers the last reading of each
// counter, because they wrap around.
class EnergySensor {
 public:
  // nullopt with `reason` set when no counter exists or none can be read (they are root's on most systems).
  static std::optional<EnergySensor> find(std::string& reason, const std::string& root = "");

  // Millijoules since find(), all packages together. Reads a file per package (microseconds).
  double millijoules();
  const std::string& name() const { return name_; }  // "powercap: package-0"

 private:
  struct Counter {
    std::string path;
    double range_uj = 0, last_uj = 0;
  };
  std::vector<Counter> counters_;
  std::string name_;
  double total_mj_ = 0;
};

}  // namespace limber
