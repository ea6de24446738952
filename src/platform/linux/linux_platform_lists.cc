// SPDX-License-Identifier: Apache-2.0
// What the machine has and lacks, for people and for `limber doctor`.
#include <fmt/core.h>

#include <algorithm>

#include "platform/linux/linux_platform.h"
#include "platform/linux/pressure.h"
#include "platform/linux/task_knobs.h"

namespace limber {
namespace {

bool virtual_machine(const Fs& fs) {
  const auto words = parse_words(fs.read("/proc/cpuinfo").text);
  return std::find(words.begin(), words.end(), "hypervisor") != words.end();
}

std::string no_cpu_clock(const Fs& fs) {
  if (virtual_machine(fs)) return "this is a virtual machine: clocks are the host's, who shows none here";
  if (!fs.exists("/sys/devices/system/cpu")) return "no /sys here; in a container, mount it";
  return "no cpufreq policy; load the driver of this processor (CONFIG_CPU_FREQ), or switch it on in the firmware";
}

}  // namespace

std::vector<Knob> LinuxPlatform::knobs() const {
  std::vector<Knob> knobs;
  bool gpu = false;
  const std::string owner = owner_of_clocks();
  for (const LinuxProcessor& processor : processors_) {
    gpu = gpu || !processor.cpu;
    Knob knob;
    if (!processor.domains.empty()) {
      knob = processor.domains[0].knob(fs_);
      for (const ClockDomain& domain : processor.domains)
        if (knob.writable) knob = domain.knob(fs_);
    } else {
      knob.reason = no_cpu_clock(fs_);
    }
    if (processor.cpu && knob.writable && !owner.empty()) {
      knob.writable = false;
      knob.reason = owner;
    }
    knob.name = "clock of " + processor.name;
    knobs.push_back(std::move(knob));
  }
  if (!gpu)
    knobs.push_back({"clock of a GPU", false, false, "",
                     "no GPU in /sys/class/devfreq; on a board load its driver (panfrost, nvgpu, ...)"});
  for (Knob& knob : task_knobs(fs_)) knobs.push_back(std::move(knob));
  for (const auto controller : {Cgroups::Controller::kWeight, Cgroups::Controller::kQuota, Cgroups::Controller::kCpus})
    knobs.push_back(cgroups_.knob(controller));
  return knobs;
}

std::vector<Monitor> LinuxPlatform::monitors(int64_t now_ns) {
  std::vector<Monitor> monitors;
  for (const auto& meter : meters_) {
    const PowerReading reading = meter->read(now_ns);
    monitors.push_back(
        {fmt::format("power of {} ({})", meter->whole_board() ? "the board" : "its rails", meter->name()),
         reading.watts >= 0, "W", meter->period_ms(), meter->resolution_w(),
         reading.watts >= 0 ? fmt::format("{:.3f}", reading.watts) : "", reading.reason});
    for (const Rail& rail : reading.rails) {
      if (reading.rails.size() < 2) break;  // the sum says it all
      monitors.push_back({"power " + rail.name, true, "W", meter->period_ms(), meter->resolution_w(),
                          fmt::format("{:.3f}", rail.watts), ""});
    }
  }
  if (meters_.empty()) {
    for (const MissingMeter& missing : no_power_)
      monitors.push_back({fmt::format("power ({})", missing.name), false, "W", 0, 0, "", missing.reason});
    monitors.push_back({"power (a meter of yours)", false, "W", 0, 0, "", "--power-from COMMAND or FILE"});
  }
  for (Monitor& monitor : thermal_monitors(fs_)) monitors.push_back(std::move(monitor));
  for (const LinuxProcessor& processor : processors_) {
    if (processor.domains.empty()) continue;
    const int64_t khz = processor.domains[0].current_khz(fs_);
    monitors.push_back({"clock of " + processor.name, khz > 0, "kHz", 0, 1, khz > 0 ? fmt::format("{}", khz) : "",
                        khz > 0 ? "" : "it cannot be read"});
    const int64_t load = processor.domains[0].load_permille(fs_);
    if (load >= 0)
      monitors.push_back(
          {"load of " + processor.name, true, "%", 0, 0.1, fmt::format("{:.1f}", static_cast<double>(load) / 10), ""});
  }
  load_.sample(fs_, now_ns);
  const bool stat = fs_.exists("/proc/stat");
  Monitor load{"load by CPU", stat, "%", 10, 1, "", stat ? "" : "no /proc/stat"};
  for (const LinuxProcessor& processor : processors_)
    for (int cpu : processor.cpus)
      if (stat) load.now += fmt::format("{}{:.0f}", load.now.empty() ? "" : " ", 100 * load_.busy(cpu));
  monitors.push_back(std::move(load));
  for (Monitor& monitor : pressure_monitors(fs_)) monitors.push_back(std::move(monitor));
  return monitors;
}

}  // namespace limber
