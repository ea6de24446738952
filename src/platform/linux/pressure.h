// SPDX-License-Identifier: Apache-2.0
// Pressure stall information: how long tasks waited for CPUs, memory or I/O. Layer: platform.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "platform/linux/outcome.h"

namespace limber {

struct Pressure {
  struct Line {
    double avg10 = 0, avg60 = 0, avg300 = 0;  // percent of the last so many seconds
    int64_t total_us = 0;
  };
  Line some, full;  // at least one task waited; all did
};

// "some avg10=0.73 avg60=0.50 avg300=5.41 total=12996360264" and a line with "full", which old kernels lack for CPUs.
std::optional<Pressure> parse_pressure(const std::string& text);

// "cpu", "memory", "io" of the whole machine, or of a control group by its folder (version 2).
std::optional<Pressure> read_pressure(const Fs& fs, const std::string& resource, const std::string& group = "");
std::vector<Monitor> pressure_monitors(const Fs& fs);

}  // namespace limber
