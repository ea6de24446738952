// SPDX-License-Identifier: Apache-2.0
// A clock that software may choose: a cpufreq policy, a devfreq device. Layer: platform.
//
// Both have a governor, a lower and an upper limit; names and units of the files differ, and that is all that differs
// here. A fixed point is both limits at one point, whatever the governor: to change the governor instead would stop and
// start it, which waits for all CPUs (tens of milliseconds), too slow for a frame. Frequencies are kHz. The kernel
// rounds, clamps and refuses: every setter says what holds afterwards. Not thread-safe. A setter costs a few file
// accesses, tens of microseconds, and on most boards milliseconds pass until the new frequency holds.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "platform/linux/restore_log.h"

namespace limber {

struct ClockLimits {
  int64_t low = 0, high = 0;
  bool operator==(const ClockLimits&) const = default;
};

class ClockDomain {
 public:
  // /sys/devices/system/cpu/cpufreq/policy*, or cpuN/cpufreq where an old kernel has no policies.
  static std::vector<ClockDomain> find_cpus(const Fs& fs);
  // devfreq devices that are GPUs by their driver or name; memory and bus controllers are not ours.
  static std::vector<ClockDomain> find_gpus(const Fs& fs);

  const std::string& path() const { return path_; }  // the folder
  const std::string& name() const { return name_; }  // its last part: "policy4", "17000000.gv11b"
  bool cpu() const { return cpu_; }
  const std::vector<int>& cpus() const { return cpus_; }    // that share it; empty for a GPU
  const std::vector<int64_t>& khz() const { return khz_; }  // ascending; the two ends where the driver lists none
  bool steps_listed() const { return steps_listed_; }
  const std::vector<std::string>& governors() const { return governors_; }
  double switch_ms() const { return switch_ms_; }  // until a new point holds, as the driver says; a GPU's: a guess
  const std::string& found_governor() const { return found_governor_; }
  const ClockLimits& found_limits() const { return found_limits_; }

  // While the kernel cools, the upper limit that was found is heat's, and nobody can tell what was asked for: takes it
  // for no limit, which is what kernels start with.
  void take_limit_for_heat(RestoreLog& log);

  // 0 where it cannot be read.
  int64_t current_khz(const Fs& fs) const;
  // {0, 0} where it went away.
  ClockLimits limits(const Fs& fs) const;
  std::string governor(const Fs& fs) const;
  int64_t load_permille(const Fs& fs) const;  // of a GPU, where its driver tells; -1: not

  // Governor and both limits as found.
  Outcome as_found(RestoreLog& log) const;
  Outcome set_governor(RestoreLog& log, const std::string& governor) const;
  // In the order that never has the lower limit above the upper one.
  Outcome set_limits(RestoreLog& log, const ClockLimits& limits) const;
  // Both limits at one point, under the governor that was found.
  Outcome set_fixed(RestoreLog& log, int64_t khz) const;
  // The governor that was found, not below.
  Outcome set_at_least(RestoreLog& log, int64_t khz) const;

  Knob knob(const Fs& fs) const;  // without its name

 private:
  struct Files;
  ClockDomain(const Fs& fs, std::string path, bool cpu);
  const Files& files() const;
  std::string file(const char* name) const { return path_ + "/" + name; }
  std::string value(int64_t khz) const;

  std::string path_, name_;
  bool cpu_ = true;
  std::vector<int> cpus_;
  std::vector<int64_t> khz_;
  bool steps_listed_ = false;
  double switch_ms_ = 0;
  std::vector<std::string> governors_;
  std::string found_governor_;
  ClockLimits found_limits_;
};

}  // namespace limber
