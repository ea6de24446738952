// SPDX-License-Identifier: Apache-2.0
// Lists of logical CPUs as people and the kernel write them: "0,2-3". Layer: base.
#pragma once
#include <string>
#include <vector>

namespace limber {

// Ascending, distinct. Fails on anything but numbers, commas and ascending ranges, naming the text.
std::vector<int> parse_cpu_list(const std::string& text);
std::string print_cpu_list(const std::vector<int>& cpus);

}  // namespace limber
