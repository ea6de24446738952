// SPDX-License-Identifier: Apache-2.0
#include "tool/run/interrupt.h"

#include <signal.h>

namespace limber::tool {

namespace {

volatile sig_atomic_t caught = 0;

void remember(int signal) {
  caught = signal;
}

}  // namespace

InterruptGuard::InterruptGuard() {
  caught = 0;
  struct sigaction action {};
  action.sa_handler = remember;
  action.sa_flags = static_cast<int>(SA_RESETHAND);  // no SA_RESTART: a blocked read returns
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

InterruptGuard::~InterruptGuard() {
  signal(SIGINT, SIG_DFL);
  signal(SIGTERM, SIG_DFL);
}

int interrupted() {
  return caught;
}

}  // namespace limber::tool
