// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/thermal.h"

#include <fmt/core.h>

#include <cstdlib>

namespace limber {
namespace {

constexpr const char* kRoot = "/sys/class/thermal";
constexpr const char* kThrottled = "/command/vcgencmd get_throttled";

bool ignored_zone(const std::string& type) {
  return type == "PMIC-Die" || starts_with_any(type, {"iwlwifi", "BAT", "battery", "ath", "usb"});
}

bool fan(const std::string& type) {
  for (const char* part : {"fan", "Fan", "FAN"})
    if (type.find(part) != std::string::npos) return true;
  return false;
}

}  // namespace

std::vector<ThermalZone> find_thermal_zones(const Fs& fs) {
  std::vector<ThermalZone> zones;
  for (const std::string& name : fs.list(kRoot).names) {
    if (name.rfind("thermal_zone", 0) != 0) continue;
    const std::string path = fmt::format("{}/{}", kRoot, name);
    const FsText type = fs.read(path + "/type");
    if (type.ok() && !ignored_zone(type.text)) zones.push_back({type.text, path});
  }
  return zones;
}

std::optional<double> read_celsius(const Fs& fs, const ThermalZone& zone) {
  const auto millis = read_integer(fs, zone.path + "/temp");
  if (!millis) return std::nullopt;
  // The vendor kernels of Exynos 5 show whole degrees.
  const double celsius = static_cast<double>(*millis) * (*millis < 150 ? 1 : 1e-3);
  return celsius > 0 && celsius < 150 ? std::optional<double>(celsius) : std::nullopt;
}

std::vector<CoolingState> read_cooling(const Fs& fs) {
  std::vector<CoolingState> states;
  for (const std::string& name : fs.list(kRoot).names) {
    if (name.rfind("cooling_device", 0) != 0) continue;
    const std::string path = fmt::format("{}/{}", kRoot, name);
    const std::string type = fs.read(path + "/type").text;
    const auto now = read_integer(fs, path + "/cur_state"), most = read_integer(fs, path + "/max_state");
    if (now && most && !fan(type)) states.push_back({type, *now, *most});
  }
  return states;
}

std::optional<ThrottleFlags> parse_throttled(const std::string& text) {
  constexpr const char* kBefore = "throttled=";
  const size_t at = text.find(kBefore);
  if (at == std::string::npos) return std::nullopt;
  const char* start = text.c_str() + at + std::char_traits<char>::length(kBefore);
  char* end = nullptr;
  const unsigned long bits = std::strtoul(start, &end, 16);
  if (end == start) return std::nullopt;
  return ThrottleFlags{(bits & 1) != 0, (bits & 2) != 0, (bits & 4) != 0, (bits & 8) != 0, (bits & 0xf0000) != 0};
}

std::optional<ThrottleFlags> read_throttled(const Fs& fs) {
  const FsText text = fs.read(kThrottled);
  return text.ok() ? parse_throttled(text.text) : std::nullopt;
}

std::vector<Monitor> thermal_monitors(const Fs& fs) {
  std::vector<Monitor> monitors;
  for (const ThermalZone& zone : find_thermal_zones(fs)) {
    Monitor monitor{"temperature " + zone.type, false, "C", 0, 0.001, "", ""};
    const FsText text = fs.read(zone.path + "/temp");
    if (const auto celsius = read_celsius(fs, zone)) {
      monitor.supported = true;
      monitor.now = fmt::format("{:.1f}", *celsius);
    } else {
      monitor.reason = text.ok() ? fmt::format("shows {}, which is no temperature: the sensor is off", text.text)
                                 : explain(zone.path + "/temp", text.error);
    }
    monitors.push_back(std::move(monitor));
  }
  if (monitors.empty())
    monitors.push_back({"temperature", false, "C", 0, 0, "", fmt::format("no thermal zone in {}", kRoot)});
  const auto cooling = read_cooling(fs);
  Monitor slowed{"cooling", !cooling.empty(), "steps", 0, 1, "", ""};
  for (const CoolingState& state : cooling)
    if (state.now > 0)
      slowed.now += fmt::format("{}{} {} of {}", slowed.now.empty() ? "" : ", ", state.type, state.now, state.most);
  if (slowed.supported && slowed.now.empty()) slowed.now = "0";
  if (!slowed.supported) slowed.reason = fmt::format("no cooling device but fans in {}", kRoot);
  monitors.push_back(std::move(slowed));
  if (const auto flags = read_throttled(fs)) {
    std::string now;
    const auto add = [&now](bool set, const char* what) {
      if (set) now += (now.empty() ? "" : ", ") + std::string(what);
    };
    add(flags->under_voltage, "under-voltage");
    add(flags->capped, "frequency capped");
    add(flags->throttled, "throttled");
    add(flags->soft_limit, "soft temperature limit");
    if (now.empty()) now = flags->ever ? "not now, but since boot" : "never";
    monitors.push_back({"firmware throttling", true, "", 500, 0, now, ""});
  }
  return monitors;
}

}  // namespace limber
