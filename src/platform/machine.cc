// SPDX-License-Identifier: Apache-2.0
#include "platform/machine.h"

#include <sched.h>

#include <algorithm>
#include <map>

#include "base/cpu_list.h"
#include "base/error.h"
#include "base/thread_pool.h"
#include "platform/linux/real_fs.h"

namespace limber {

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
  const RealFs fs(root);
  Machine machine;
  std::string arm_part;
  for (const auto& [key, value] : parse_key_values(fs.read("/proc/cpuinfo").text)) {
    if (key == "processor") ++machine.logical_cpus;
    if ((key == "model name" || key == "Model") && machine.cpu_model.empty()) machine.cpu_model = value;
    if (key == "CPU part" && arm_part.empty()) arm_part = value;
  }
  if (machine.cpu_model.empty() && !arm_part.empty())
    machine.cpu_model = fmt::format("ARM {} (part {})", arm_part_name(arm_part), arm_part);
  const std::string cpufreq = fmt::format("/sys/devices/system/cpu/cpu{}/cpufreq", cpu);
  machine.governor = fs.read(cpufreq + "/scaling_governor").text;
  machine.frequency_khz = std::max<int64_t>(0, read_integer(fs, cpufreq + "/scaling_max_freq").value_or(0));
  return machine;
}

ResidentMemory resident_memory(const std::string& root) {
  ResidentMemory memory;
  for (const auto& [key, value] : parse_key_values(RealFs(root).read("/proc/self/status").text)) {
    const auto words = parse_words(value);  // "1234 kB"
    if (words.empty()) continue;
    if (key == "VmRSS") memory.all = parse_integer(words[0]).value_or(0) * 1024;
    if (key == "RssAnon") memory.anonymous = parse_integer(words[0]).value_or(0) * 1024;
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
