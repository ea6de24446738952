// SPDX-License-Identifier: Apache-2.0
// Joule counters of the powercap interface (RAPL packages). Layer: platform.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "platform/linux/fs.h"

namespace limber {

// Not thread-safe: remembers each counter's last reading, because they wrap around (after a minute under full load on
// some servers, so read it more often). Reads a file a package, microseconds.
class RaplCounters {
 public:
  // nullopt with `reason` set when no counter exists or none can be read (they are root's on most systems).
  static std::optional<RaplCounters> find(const Fs& fs, std::string& reason);

  struct Package {
    std::string name, path;  // "package-0"
    double range_uj = 0, last_uj = 0;
    double total_mj = 0;  // since find()
  };
  // Adds what was used since the last call. False where no counter could be read.
  bool update(const Fs& fs);
  const std::vector<Package>& packages() const { return packages_; }
  double millijoules() const;  // since find(), all packages

 private:
  std::vector<Package> packages_;
};

}  // namespace limber
