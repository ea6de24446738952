// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/linux_platform.h"

#include <fmt/core.h>

#include <algorithm>
#include <cerrno>

#include "base/error.h"
#include "platform/linux/external_meter.h"
#include "platform/linux/pressure.h"
#include "platform/linux/processor_rail.h"

namespace limber {
namespace {

constexpr const char* kOnline = "/sys/devices/system/cpu/online";
// Drivers without steps round a limit to what the hardware counts in; heat takes more than that.
constexpr double kRounding = 0.02;

ClockLimits found_limits(const LinuxProcessor& processor) {
  ClockLimits limits{processor.khz.front(), processor.khz.back()};
  for (const ClockDomain& domain : processor.domains)
    if (domain.found_limits().high > 0) limits.high = std::min(limits.high, domain.found_limits().high);
  return limits;
}

// The last point at or below, give or take rounding.
size_t point_below(const LinuxProcessor& processor, int64_t khz) {
  const auto limit = static_cast<int64_t>(static_cast<double>(khz) * (1 + kRounding));
  const auto above = std::upper_bound(processor.khz.begin(), processor.khz.end(), limit);
  return above == processor.khz.begin() ? 0 : static_cast<size_t>(above - processor.khz.begin()) - 1;
}

}  // namespace

LinuxPlatform::LinuxPlatform(Fs& fs, const LinuxPlatformOptions& options)
    : fs_(fs),
      despite_managers_(options.despite_managers),
      log_(fs, options.state_file),
      taken_over_(log_.restore()),
      processors_(find_processors(fs)),
      managers_(find_other_managers(fs)),
      cgroups_(fs),
      meters_(find_power_meters(fs, no_power_)),
      zones_(find_thermal_zones(fs)),
      asked_khz_(processors_.size(), 0) {
  const auto cooling = read_cooling(fs);
  const bool hot = std::any_of(cooling.begin(), cooling.end(), [](const CoolingState& state) { return state.now > 0; });
  const bool limited = std::any_of(managers_.begin(), managers_.end(),
                                   [](const OtherManager& manager) { return manager.name == "nvpmodel"; });
  for (LinuxProcessor& processor : processors_)
    for (ClockDomain& domain : processor.domains)
      if (hot && !limited) domain.take_limit_for_heat(log_);
  if (!options.power_from.empty()) meters_.insert(meters_.begin(), std::make_unique<ExternalMeter>(options.power_from));
}

std::string LinuxPlatform::owner_of_clocks() const {
  for (const OtherManager& manager : managers_)
    if (manager.owns_clocks && !despite_managers_) return fmt::format("{} owns it: it {}", manager.name, manager.what);
  return "";
}

Outcome LinuxPlatform::set_clock(std::size_t index, const ClockRequest& request) {
  if (index >= processors_.size())
    fail(ErrorCode::kInvalidArgument, "processor {}: there are {}", index, processors_.size());
  const LinuxProcessor& processor = processors_[index];
  if (request.point >= processor.khz.size())
    fail(ErrorCode::kInvalidArgument, "point {} of {}: there are {}", request.point, processor.name,
         processor.khz.size());
  if (processor.domains.empty())
    return {EOPNOTSUPP, "", fmt::format("{}: its clock is not ours to choose", processor.name)};
  if (processor.cpu)
    if (std::string owner = owner_of_clocks(); !owner.empty()) return {EBUSY, "", owner};
  const int64_t khz = std::min(processor.khz[request.point], found_limits(processor).high);
  Outcome worst;
  for (const ClockDomain& domain : processor.domains) {
    Outcome outcome;
    if (request.kind == ClockRequest::Kind::kFixed) {
      outcome = domain.set_fixed(log_, khz);
    } else if (request.kind == ClockRequest::Kind::kAtLeast) {
      outcome = domain.set_at_least(log_, khz);
    } else {
      outcome = domain.as_found(log_);
      if (outcome.ok() && !request.governor.empty()) outcome = domain.set_governor(log_, request.governor);
    }
    if (worst.ok()) worst = outcome;
  }
  asked_khz_[index] = request.kind == ClockRequest::Kind::kFixed ? khz : 0;
  return worst;
}

PlatformView::Processor LinuxPlatform::view_of(std::size_t index, const std::vector<int>& online) const {
  const LinuxProcessor& processor = processors_[index];
  PlatformView::Processor view;
  bool any_on = !processor.cpu;
  for (int cpu : processor.cpus) {
    const bool on = online.empty() || std::find(online.begin(), online.end(), cpu) != online.end();
    any_on = any_on || on;
    view.others.push_back(on ? load_.others(cpu) : 1);
  }
  view.available = any_on;
  if (processor.domains.empty()) return view;
  const ClockLimits found = found_limits(processor);
  int64_t reachable = found.high;
  bool there = false;
  for (const ClockDomain& domain : processor.domains) {
    const ClockLimits now = domain.limits(fs_);
    if (now == ClockLimits{}) continue;
    there = true;
    const int64_t asked = asked_khz_[index] != 0 ? asked_khz_[index] : found.high;
    if (static_cast<double>(now.high) < static_cast<double>(asked) * (1 - kRounding))
      reachable = std::min(reachable, now.high);
  }
  view.available = view.available && there;
  view.highest = point_below(processor, reachable);
  view.point = point_below(processor, processor.domains.front().current_khz(fs_));
  return view;
}

void LinuxPlatform::read_power(int64_t now_ns, PlatformView* view) {
  const PowerReading reading = meters_[0]->read(now_ns);
  view->power_w = reading.watts;
  for (size_t i = 0; i < processors_.size(); ++i) {
    const auto feeds = rail_of(reading.rails, processors_, i);
    if (!feeds || !feeds->alone) continue;
    for (const Rail& rail : reading.rails)
      if (rail.name == feeds->name) view->processors[i].power_w = rail.watts;
  }
}

PlatformView LinuxPlatform::view(int64_t now_ns) {
  PlatformView view;
  load_.sample(fs_, now_ns);
  const std::vector<int> online = parse_cpus(fs_.read(kOnline).text);
  for (size_t i = 0; i < processors_.size(); ++i) view.processors.push_back(view_of(i, online));
  if (!meters_.empty()) read_power(now_ns, &view);
  for (const ThermalZone& zone : zones_)
    if (const auto celsius = read_celsius(fs_, zone)) view.celsius = std::max(view.celsius, *celsius);
  for (const CoolingState& state : read_cooling(fs_)) view.throttled = view.throttled || state.now > 0;
  if (const auto pressure = read_pressure(fs_, "cpu")) view.cpu_pressure = pressure->some.avg10;
  return view;
}

}  // namespace limber
