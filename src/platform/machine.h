// SPDX-License-Identifier: Apache-2.0
// What this machine is, as far as a profile must know. Layer: platform. Everything is read from /proc and /sys under an
// injectable root, so that tests and recorded machines work the same; what a machine does not tell is an empty string
// or 0.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace limber {

struct Machine {
  std::string cpu_model;  // "Intel(R) Xeon(R) Processor", "ARM Cortex-A53 (part 0xd03)", "" if unknown
  int logical_cpus = 0;
  std::string governor;       // cpufreq governor of the first CPU asked for; "" when the machine has no cpufreq
  int64_t frequency_khz = 0;  // its highest frequency now allowed (scaling_max_freq); 0 when unknown
};

// `cpu`: the CPU whose governor and frequency are read.
Machine read_machine(int cpu = 0, const std::string& root = "");

// "Cortex-A15" of the part number that /proc/cpuinfo shows, "0xc0f"; "CPU" for one that is not known here.
std::string arm_part_name(const std::string& part);

// What of this process is in memory now, bytes; 0 where the system does not tell.
struct ResidentMemory {
  int64_t all = 0;        // VmRSS: pages of mapped files included, which the system may take back
  int64_t anonymous = 0;  // RssAnon: memory of its own
};
ResidentMemory resident_memory(const std::string& root = "");

// CPUs the calling thread may run on, ascending.
std::vector<int> allowed_cpus();

// Pins the calling thread. Fails when a CPU does not exist or is not allowed, naming those that are.
void pin_thread(const std::vector<int>& cpus);

}  // namespace limber
