// SPDX-License-Identifier: Apache-2.0
// The processors of a Linux machine: CPUs that share a clock, GPUs. Layer: platform.
#pragma once
#include <string>
#include <vector>

#include "platform/linux/clock_domain.h"

namespace limber {

struct LinuxProcessor {
  std::string name;  // "A15", "cpu_core", "cpu", "gpu"; each once
  bool cpu = true;
  std::vector<int> cpus;             // logical, online; empty for a GPU
  int64_t capacity = 0;              // of one core, 1024: the machine's fastest; 0: the kernel does not tell
  std::vector<ClockDomain> domains;  // set together; none: the clock is not ours to choose
  std::vector<int64_t> khz;          // operating points, ascending; {0} without domains
  double switch_ms = 0;              // until a new point holds
};

// CPUs with one clock are a processor. Where each CPU has a clock of its own (laptops, servers), those of the same kind
// and the same points are one. Without cpufreq: those of the same kind, with no points. Always at least one.
std::vector<LinuxProcessor> find_processors(const Fs& fs);

}  // namespace limber
