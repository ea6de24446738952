// SPDX-License-Identifier: Apache-2.0
#include "platform/machine.h"

#include <sched.h>

#include <algorithm>
#include <fstream>
#include <map>

#include "base/cpu_list.h"
#include "base/error.h"
#include "base/thread_pool.h"

namespace limber {

namespace {

std::string first_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

int64_t number_or_zero(const std::string& text) {
  int64_t value = 0;
  for (char c : text) {
    if (c < '0' || c > '9' || value > INT64_MAX / 10 - 9) return 0;
    value = value * 10 + (c - '0');
  }
  return value;
}

// "key<blanks>: value" of /proc/cpuinfo; empty key if it is no such line.
std::pair<std::string, std::string> key_value(const std::string& line) {
  const size_t colon = line.find(':');
  if (colon == std::string::npos) return {};
  std::string key = line.substr(0, colon);
  key.erase(key.find_last_not_of(" \t") + 1);
  const size_t start = line.find_first_not_of(" \t", colon + 1);
  return {key, start == std::string::npos ? "" : line.substr(start)};
}

}  // namespace

std::string arm_part_name(const std::string& part) {
  static const std::map<std::string, const char*> kNames = {
      {"0xc07", "Cortex-A7"},   {"0xc0f", "Cortex-A15"},  {"0xd03", "Cortex-A53"},   {"0xd07", "Cortex-A57"},
      {"0xd08", "Cortex-A72"},  {"0xd09", "Cortex-A73"},  {"0xd0b", "Cortex-A76"},   {"0xd40", "Neoverse-V1"},
      {"0xd0c", "Neoverse-N1"}, {"0xd49", "Neoverse-N2"}, {"0xd4f", "Neoverse-V2"},  {"0xd05", "Cortex-A55"},
      {"0xd0a", "Cortex-A75"},  {"0xd41", "Cortex-A78"},  {"0xd42", "Cortex-A78AE"}, {"0x004", "Carmel"},
      {"0x003", "Denver2"}};
  const auto found = kNames.find(part);
  return found == kNames.end() ? "CPU" : found->second;
}

Machine read_machine(int cpu, const std::string& root) {
  Machine machine;
  std::ifstream info(root + "/proc/cpuinfo");
  std::string arm_part;
  for (std::string line; std::getline(info, line);) {
    const auto [key, value] = key_value(line);
    if (key == "processor") ++machine.logical_cpus;
    if ((key == "model name" || key == "Model") && machine.cpu_model.empty()) machine.cpu_model = value;
    if (key == "CPU part" && arm_part.empty()) arm_part = value;
  }
  if (machine.cpu_model.empty() && !arm_part.empty())
    machine.cpu_model = fmt::format("ARM {} (part {})", arm_part_name(arm_part), arm_part);
  const std::string cpufreq = fmt::format("{}/sys/devices/system/cpu/cpu{}/cpufreq", root, cpu);
  machine.governor = first_line(cpufreq + "/scaling_governor");
  machine.frequency_khz = number_or_zero(first_line(cpufreq + "/scaling_max_freq"));
  return machine;
}

ResidentMemory resident_memory(const std::string& root) {
  ResidentMemory memory;
  std::ifstream status(root + "/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    const auto [key, value] = key_value(line);
    if (key != "VmRSS" && key != "RssAnon") continue;
    (key == "VmRSS" ? memory.all : memory.anonymous) = number_or_zero(value.substr(0, value.find(' '))) * 1024;
  }
  return memory;
}

std::vector<int> allowed_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  sched_getaffinity(0, sizeof set, &set);
  std::vector<int> cpus;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu)
    if (CPU_ISSET(cpu, &set)) cpus.push_back(cpu);
  return cpus;
}

void pin_thread(const std::vector<int>& cpus) {
  available_cores();  // remembers the process's cores before one of its threads has fewer
  cpu_set_t set;
  CPU_ZERO(&set);
  bool legal = !cpus.empty();
  for (int cpu : cpus) {
    if (cpu < 0 || cpu >= CPU_SETSIZE)
      legal = false;
    else
      CPU_SET(cpu, &set);
  }
  if (!legal || sched_setaffinity(0, sizeof set, &set) != 0)
    fail(ErrorCode::kInvalidArgument, "core set '{}' cannot be used; this process may run on '{}'",
         print_cpu_list(cpus), print_cpu_list(allowed_cpus()));
}

}  // namespace limber
