// SPDX-License-Identifier: Apache-2.0
// Other software that sets clocks on this machine. Layer: platform.
#pragma once
#include <string>
#include <vector>

#include "platform/linux/fs.h"

namespace limber {

struct OtherManager {
  std::string name;          // "power-profiles-daemon"
  bool owns_clocks = false;  // sets governors or limits again whenever it likes: two would fight
  std::string what;          // what it does, and what to do about it
};

// By the names of running processes, by pid files whose process lives, and by what a Jetson's nvpmodel leaves behind.
// Reads a file a process: milliseconds.
std::vector<OtherManager> find_other_managers(const Fs& fs);

}  // namespace limber
