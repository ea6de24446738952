// SPDX-License-Identifier: Apache-2.0
// What the privileged helper does for limberd: a closed list of verbs, every argument checked. Layer: server.
//
// One JSON object a request and a reply: {"verb": "nice", "pid": 7, "tid": 9, "nice": -5} -> {"error": 0, "now": "-5",
// "reason": ""}. limberd itself has no rights, and whoever took it over could do no more than this list allows: clocks
// within the limits found, and of threads only what the administrator allowed.
#pragma once
#include <string>
#include <string_view>

#include "platform/linux/linux_platform.h"

namespace limber::server {

struct HelperLimits {
  int lowest_nice = 0;     // -20..19: not below
  int highest_weight = 0;  // of a control group, 1..10000; 0: none is made
};

class HelperVerbs {
 public:
  // The platform must outlive it.
  HelperVerbs(LinuxPlatform& platform, const HelperLimits& limits) : platform_(platform), limits_(limits) {}

  // Never throws: what is wrong with a request is in the reply.
  std::string answer(std::string_view request);

 private:
  LinuxPlatform& platform_;
  HelperLimits limits_;
};

// Answers until the other end is closed, then puts everything back. Returns the exit code.
int serve_helper(int socket, LinuxPlatform& platform, const HelperLimits& limits);

}  // namespace limber::server
