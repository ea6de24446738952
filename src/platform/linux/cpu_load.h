// SPDX-License-Identifier: Apache-2.0
// How busy each CPU is, and with whose work. Layer: platform.
#pragma once
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "platform/linux/fs.h"

namespace limber {

// Shares of CPU time that others than given threads used. The kernel counts in hundredths of a second, so a share is
// taken over the last kWindowMs, which bounds its error at one hundredth. A thread's time belongs to the CPU it ran on
// last: exact for threads that are pinned, approximate for others; what then exceeds a CPU's busy time is taken from
// the others. Interrupts and what a hypervisor gave away count as others'. Not thread-safe. sample() costs a file a
// thread and /proc/stat: some 100 us.
class CpuLoad {
 public:
  static constexpr double kWindowMs = 1000;

  // Processes with all their threads, and single threads, that are ours from now on.
  void set_own(std::vector<int> pids, std::vector<int> tids = {}) {
    own_ = std::move(pids);
    own_threads_ = std::move(tids);
  }

  void sample(const Fs& fs, int64_t now_ns);
  // By logical CPU, 0..1; 0 for one that is not known or off.
  double others(int cpu) const;
  double busy(int cpu) const;  // of all, ours too

 private:
  struct Ticks {
    double busy = 0, all = 0;
  };
  struct Sample {
    int64_t ns = 0;
    std::map<int, Ticks> cpus;  // since boot
    std::map<int, double> own;  // of each CPU, since the first sample
  };
  std::vector<int> own_, own_threads_;
  std::map<int, double> own_total_;    // of each CPU
  std::map<int, double> thread_last_;  // tid: ticks
  std::deque<Sample> samples_;
  std::map<int, double> others_, busy_;
};

}  // namespace limber
