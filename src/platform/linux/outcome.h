// SPDX-License-Identifier: Apache-2.0
// What became of something that was set, and how a refusal is explained. Layer: platform.
#pragma once
#include <string>

#include "platform/linux/fs.h"

namespace limber {

// A kernel that refuses is no exception: callers go on with what holds.
struct Outcome {
  int error = 0;       // errno; 0: done
  std::string now;     // what the kernel made of it, read back; "" where that cannot be read
  std::string reason;  // where error is not 0: which file, what was refused, what to do
  bool ok() const { return error == 0; }
};

// "POLICY/scaling_governor: no permission; run as root, or give ..."; with a value: that it was not accepted.
std::string explain(const std::string& path, int error, const std::string& value = "");

// Something that can be set.
struct Knob {
  std::string name;  // "clock of A15", "affinity"
  bool supported = false;
  bool writable = false;
  std::string range;   // "200000..2000000 kHz, 19 points; governors ondemand, performance"
  std::string reason;  // of what is not there or not writable, and what to do
};

// Something that can be read.
struct Monitor {
  std::string name;  // "power VDD_IN"
  bool supported = false;
  std::string unit;       // "W"
  double period_ms = 0;   // a fresh value at most so often; 0: whenever it is read
  double resolution = 0;  // in the unit; 0: not known
  std::string now;        // the value when it was looked at, for people
  std::string reason;
};

}  // namespace limber
