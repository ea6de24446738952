// SPDX-License-Identifier: Apache-2.0
#include "tool/run/load_generator.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "platform/clock.h"

namespace limber::tool {

namespace {

// In the child: system calls only, since other threads may have held locks at the fork.
[[noreturn]] void be_busy(pid_t parent, const std::vector<std::pair<int64_t, int64_t>>& windows) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(0);
  // Of normal priority, whatever the parent has been given in the meantime.
  if (getpriority(PRIO_PROCESS, 0) < 0) setpriority(PRIO_PROCESS, 0, 0);
  for (const auto& [from, to] : windows) {
    sleep_until_ns(from);
    while (now_ns() < to) {
    }
  }
  _exit(0);
}

}  // namespace

LoadGenerator::LoadGenerator(int count, std::vector<std::pair<int64_t, int64_t>> windows) {
  const pid_t parent = getpid();
  for (int i = 0; i < count; ++i) {
    const pid_t child = fork();
    if (child == 0) be_busy(parent, windows);
    if (child < 0) {
      this->~LoadGenerator();
      fail(ErrorCode::kIo, "cannot start load process {} of {}: the system allows no more processes", i + 1, count);
    }
    children_.push_back(child);
  }
}

LoadGenerator::~LoadGenerator() {
  for (pid_t child : children_) {
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
  }
  children_.clear();
}

}  // namespace limber::tool
