// SPDX-License-Identifier: Apache-2.0
// Which clocks there are: by content, never by number.
#include <algorithm>
#include <array>
#include <set>

#include "platform/linux/clock_files.h"

namespace limber {
namespace {

constexpr const char* kCpuRoot = "/sys/devices/system/cpu";
constexpr const char* kDevfreqRoot = "/sys/class/devfreq";

// Until a clock has changed, where nobody says: of boards with a slow regulator, and of GPUs.
constexpr double kUnknownMs = 1, kGpuMs = 2;

// Drivers of GPUs as device/uevent names them, and what GPUs are called where it does not.
constexpr std::array<std::string_view, 14> kGpuDrivers = {
    "panfrost", "panthor",     "lima",    "mali",   "gk20a", "nvgpu",       "gv11b",
    "ga10b",    "exynos-mali", "msm_gpu", "adreno", "v3d",   "etnaviv-gpu", "powervr"};
constexpr std::array<std::string_view, 9> kGpuNames = {"gpu",   "gv11b", "gm20b", "gp10b", "ga10b",
                                                       "gk20a", "mali",  "kgsl",  "adreno"};

bool is_gpu(const Fs& fs, const std::string& device) {
  std::string driver, compatible;
  for (const std::string& line :
       parse_words(fs.read(std::string(kDevfreqRoot) + "/" + device + "/device/uevent").text)) {
    if (line.rfind("DRIVER=", 0) == 0) driver = line.substr(7);
    if (line.rfind("OF_NAME=", 0) == 0) compatible = line.substr(8);
  }
  if (std::find(kGpuDrivers.begin(), kGpuDrivers.end(), driver) != kGpuDrivers.end() || compatible == "gpu")
    return true;
  return std::any_of(kGpuNames.begin(), kGpuNames.end(),
                     [&](std::string_view name) { return device.find(name) != std::string::npos; });
}

}  // namespace

const ClockDomain::Files& ClockDomain::files() const {
  static constexpr Files kCpufreq{1,
                                  "scaling_governor",
                                  "scaling_available_governors",
                                  "scaling_available_frequencies",
                                  "scaling_min_freq",
                                  "scaling_max_freq",
                                  "scaling_cur_freq",
                                  "cpuinfo_min_freq",
                                  "cpuinfo_max_freq"};
  static constexpr Files kDevfreq{
      1000,       "governor", "available_governors", "available_frequencies", "min_freq", "max_freq", "cur_freq",
      "min_freq", "max_freq"};
  return cpu_ ? kCpufreq : kDevfreq;
}

ClockDomain::ClockDomain(const Fs& fs, std::string path, bool cpu) : path_(std::move(path)), cpu_(cpu) {
  const Files& names = files();
  name_ = path_.substr(path_.rfind('/') + 1);
  khz_ = parse_integers(fs.read(file(names.steps)).text);
  if (cpu_) {
    cpus_ = parse_cpus(fs.read(file("related_cpus")).text);
    for (int64_t boost : parse_integers(fs.read(file("scaling_boost_frequencies")).text)) khz_.push_back(boost);
  }
  for (int64_t& step : khz_) step /= names.per_khz;
  steps_listed_ = !khz_.empty();
  if (!steps_listed_) {
    for (const char* end : {names.lowest, names.highest})
      if (const auto number = read_integer(fs, file(end)); number && *number > 0)
        khz_.push_back(*number / names.per_khz);
  }
  std::sort(khz_.begin(), khz_.end());
  khz_.erase(std::unique(khz_.begin(), khz_.end()), khz_.end());
  khz_.erase(khz_.begin(), std::upper_bound(khz_.begin(), khz_.end(), 0));
  // Nanoseconds; drivers that do not know say 4294967295 ("eternal").
  const int64_t latency_ns = cpu_ ? read_integer(fs, file("cpuinfo_transition_latency")).value_or(UINT32_MAX) : 0;
  switch_ms_ =
      latency_ns > 0 && latency_ns < UINT32_MAX ? static_cast<double>(latency_ns) * 1e-6 : (cpu_ ? kUnknownMs : kGpuMs);
  governors_ = parse_words(fs.read(file(names.governors)).text);
  found_governor_ = governor(fs);
  found_limits_ = limits(fs);
}

std::vector<ClockDomain> ClockDomain::find_cpus(const Fs& fs) {
  std::vector<ClockDomain> domains;
  const std::string root = kCpuRoot;
  const auto add = [&](const std::string& path) {
    ClockDomain domain(fs, path, true);
    // A policy whose CPUs are all off has no files worth reading.
    if (domain.cpus_.empty() || domain.khz_.empty()) return;
    for (const ClockDomain& other : domains)
      if (other.cpus_ == domain.cpus_) return;
    domains.push_back(std::move(domain));
  };
  for (const std::string& name : fs.list(root + "/cpufreq").names)
    if (name.rfind("policy", 0) == 0) add(root + "/cpufreq/" + name);
  if (!domains.empty()) return domains;
  for (const std::string& name : fs.list(root).names)
    if (name.rfind("cpu", 0) == 0 && parse_integer(name.substr(3))) add(root + "/" + name + "/cpufreq");
  for (ClockDomain& domain : domains)  // "cpufreq" says nothing
    domain.name_ = domain.path_.substr(root.size() + 1);
  return domains;
}

std::vector<ClockDomain> ClockDomain::find_gpus(const Fs& fs) {
  std::vector<ClockDomain> domains;
  for (const std::string& name : fs.list(kDevfreqRoot).names) {
    if (!is_gpu(fs, name)) continue;
    ClockDomain domain(fs, std::string(kDevfreqRoot) + "/" + name, false);
    if (!domain.khz_.empty()) domains.push_back(std::move(domain));
  }
  return domains;
}

}  // namespace limber
