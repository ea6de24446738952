// SPDX-License-Identifier: Apache-2.0
// Ctrl-C ends a run after its current frame, so that what was measured is still shown. Layer: tool.
#pragma once

namespace limber::tool {

// While one exists SIGINT and SIGTERM only set a flag; the second signal ends the process. One at a time.
class InterruptGuard {
 public:
  InterruptGuard();
  ~InterruptGuard();
  InterruptGuard(const InterruptGuard&) = delete;
  InterruptGuard& operator=(const InterruptGuard&) = delete;
};

int interrupted();  // the signal, or 0

}  // namespace limber::tool
