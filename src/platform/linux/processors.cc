// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/processors.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <numeric>

#include "platform/machine.h"

namespace limber {
namespace {

constexpr const char* kCpuRoot = "/sys/devices/system/cpu";

// What tells one kind of core from another.
struct Kind {
  std::string name;
  int64_t capacity = 0;
  bool operator==(const Kind&) const = default;
};

class Kinds {
 public:
  explicit Kinds(const Fs& fs) : fs_(fs) {
    int cpu = -1;
    for (const auto& [key, value] : parse_key_values(fs.read("/proc/cpuinfo").text)) {
      if (key == "processor") cpu = static_cast<int>(parse_integer(value).value_or(-1));
      if (key == "CPU part") parts_[cpu] = value;
    }
    for (const char* hybrid : {"cpu_core", "cpu_atom"})  // Intel's two kinds of core
      for (int c : parse_cpus(fs.read(fmt::format("/sys/devices/{}/cpus", hybrid)).text)) hybrids_[c] = hybrid;
  }

  Kind of(int cpu) const {
    Kind kind{"cpu", read_integer(fs_, fmt::format("{}/cpu{}/cpu_capacity", kCpuRoot, cpu)).value_or(0)};
    if (const auto part = parts_.find(cpu); part != parts_.end()) {
      kind.name = arm_part_name(part->second);
      if (kind.name == "CPU") kind.name = "cpu";
      if (kind.name.rfind("Cortex-", 0) == 0) kind.name = kind.name.substr(7);
    }
    if (const auto hybrid = hybrids_.find(cpu); hybrid != hybrids_.end()) kind.name = hybrid->second;
    return kind;
  }

 private:
  const Fs& fs_;
  std::map<int, std::string> parts_, hybrids_;
};

std::vector<int> online_cpus(const Fs& fs) {
  std::vector<int> cpus = parse_cpus(fs.read(std::string(kCpuRoot) + "/online").text);
  if (!cpus.empty()) return cpus;
  for (const std::string& name : fs.list(kCpuRoot).names)
    if (const auto number = parse_integer(std::string_view(name).substr(std::min<size_t>(3, name.size())));
        name.rfind("cpu", 0) == 0 && number && *number >= 0)
      cpus.push_back(static_cast<int>(*number));
  if (cpus.empty()) cpus.push_back(0);
  return cpus;
}

void name_each_once(std::vector<LinuxProcessor>& processors) {
  for (size_t i = 0; i < processors.size(); ++i) {
    int number = 1;
    const std::string name = processors[i].name;
    for (size_t j = i + 1; j < processors.size(); ++j)
      if (processors[j].name == name) processors[j].name = fmt::format("{}-{}", name, ++number);
  }
}

}  // namespace

std::vector<LinuxProcessor> find_processors(const Fs& fs) {
  const Kinds kinds(fs);
  std::vector<LinuxProcessor> processors;
  std::vector<Kind> kind_of;  // of each processor, while CPUs can still join it
  std::vector<int> rest = online_cpus(fs);
  const std::vector<int> online = rest;
  const auto add = [&](std::vector<int> cpus, std::vector<ClockDomain> domains, std::vector<int64_t> khz, bool joins) {
    const Kind kind = kinds.of(cpus.front());
    for (size_t p = 0; joins && p < processors.size(); ++p) {
      if (!(kind_of[p] == kind) || processors[p].khz != khz || processors[p].domains.empty() != domains.empty())
        continue;
      processors[p].cpus.insert(processors[p].cpus.end(), cpus.begin(), cpus.end());
      for (ClockDomain& domain : domains) processors[p].domains.push_back(std::move(domain));
      return;
    }
    processors.push_back({kind.name, true, std::move(cpus), kind.capacity, std::move(domains), std::move(khz)});
    kind_of.push_back(kind);
  };
  for (ClockDomain& domain : ClockDomain::find_cpus(fs)) {
    std::vector<int> cpus;
    for (int cpu : domain.cpus())
      if (std::find(online.begin(), online.end(), cpu) != online.end()) cpus.push_back(cpu);
    rest.erase(std::remove_if(rest.begin(), rest.end(),
                              [&](int cpu) { return std::find(cpus.begin(), cpus.end(), cpu) != cpus.end(); }),
               rest.end());
    if (cpus.empty()) continue;
    const bool alone = domain.cpus().size() == 1;
    std::vector<int64_t> khz = domain.khz();
    std::vector<ClockDomain> domains;
    domains.push_back(std::move(domain));
    add(std::move(cpus), std::move(domains), std::move(khz), alone);
  }
  for (int cpu : rest) add({cpu}, {}, {0}, true);
  for (ClockDomain& gpu : ClockDomain::find_gpus(fs)) {
    std::vector<int64_t> khz = gpu.khz();
    std::vector<ClockDomain> domains;
    domains.push_back(std::move(gpu));
    processors.push_back({"gpu", false, {}, 0, std::move(domains), std::move(khz)});
  }
  for (LinuxProcessor& processor : processors)
    for (const ClockDomain& domain : processor.domains)
      processor.switch_ms = std::max(processor.switch_ms, domain.switch_ms());
  name_each_once(processors);
  return processors;
}

}  // namespace limber
