// SPDX-License-Identifier: Apache-2.0
// Busy processes that compete for a core during set windows of time. Layer: tool.
#pragma once
#include <sys/types.h>

#include <cstdint>
#include <utility>
#include <vector>

namespace limber::tool {

// Forks `count` normal-priority processes onto the CPUs that the calling thread may use; each spins inside the windows
// [from, to) of now_ns() and sleeps outside. They end with the last window, with this object, or with the thread that
// made it.
class LoadGenerator {
 public:
  LoadGenerator(int count, std::vector<std::pair<int64_t, int64_t>> windows);
  ~LoadGenerator();
  LoadGenerator(const LoadGenerator&) = delete;
  LoadGenerator& operator=(const LoadGenerator&) = delete;

 private:
  std::vector<pid_t> children_;
};

}  // namespace limber::tool
