// SPDX-License-Identifier: Apache-2.0
#include "platform/energy.h"

#include <algorithm>
#include <filesystem>
#include <fstream>

namespace limber {

namespace {

std::optional<double> read_number(const std::string& path) {
  std::ifstream file(path);
  double value = 0;
  if (!(file >> value)) return std::nullopt;
  return value;
}

}  // namespace

std::optional<EnergySensor> EnergySensor::find(std::string& reason, const std::string& root) {
  const std::filesystem::path base = root + "/sys/class/powercap";
  EnergySensor sensor;
  bool unreadable = false;
  std::vector<std::filesystem::path> zones;
  std::error_code error;
  for (std::filesystem::directory_iterator it(base, error), end; !error && it != end; it.increment(error))
    zones.push_back(it->path());
  std::sort(zones.begin(), zones.end());
  for (const auto& zone : zones) {
    std::string name;
    std::ifstream(zone / "name") >> name;
    // Sub-zones (core, dram) are parts of a package or differ by machine: packages only, so that nothing counts twice.
    if (name.rfind("package", 0) != 0) continue;
    const auto now = read_number(zone / "energy_uj");
    if (!now) {
      unreadable = true;
      continue;
    }
    sensor.counters_.push_back(
        {(zone / "energy_uj").string(), read_number(zone / "max_energy_range_uj").value_or(0), *now});
    sensor.name_ += (sensor.name_.empty() ? "powercap: " : ", ") + name;
  }
  if (!sensor.counters_.empty()) return sensor;
  reason = unreadable ? "no sensor (energy counters in " + base.string() + " are readable by root only)"
                      : "no sensor (no energy counter in " + base.string() + ")";
  return std::nullopt;
}

double EnergySensor::millijoules() {
  for (Counter& counter : counters_) {
    const auto now = read_number(counter.path);
    if (!now) continue;
    double difference = *now - counter.last_uj;
    if (difference < 0) difference += counter.range_uj;
    total_mj_ += difference / 1000;
    counter.last_uj = *now;
  }
  return total_mj_;
}

}  // namespace limber
