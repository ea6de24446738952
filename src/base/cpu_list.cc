// SPDX-License-Identifier: Apache-2.0
#include "base/cpu_list.h"

#include <algorithm>
#include <charconv>

#include "base/error.h"

namespace limber {
namespace {

constexpr int kMaximumCpu = 8191;  // the kernel's own limit (NR_CPUS) on the largest machines

int parse_number(const char*& at, const char* end, const std::string& text) {
  int value = -1;
  const auto [next, error] = std::from_chars(at, end, value);
  if (error != std::errc() || value < 0 || value > kMaximumCpu) {
    fail(ErrorCode::kInvalidArgument, "CPU list '{}': expected numbers from 0 to {} and ranges such as '0,2-3'", text,
         kMaximumCpu);
  }
  at = next;
  return value;
}

}  // namespace

std::vector<int> parse_cpu_list(const std::string& text) {
  std::vector<int> cpus;
  const char* at = text.data();
  const char* const end = at + text.size();
  for (;;) {
    const int first = parse_number(at, end, text);
    int last = first;
    if (at != end && *at == '-') last = parse_number(++at, end, text);
    if (last < first) fail(ErrorCode::kInvalidArgument, "CPU list '{}': range {}-{} goes down", text, first, last);
    for (int cpu = first; cpu <= last; ++cpu) cpus.push_back(cpu);
    if (at == end) break;
    if (*at != ',') fail(ErrorCode::kInvalidArgument, "CPU list '{}': '{}' where a comma was expected", text, *at);
    ++at;
  }
  std::sort(cpus.begin(), cpus.end());
  cpus.erase(std::unique(cpus.begin(), cpus.end()), cpus.end());
  return cpus;
}

std::string print_cpu_list(const std::vector<int>& cpus) {
  std::string text;
  for (size_t i = 0; i < cpus.size();) {
    size_t last = i;
    while (last + 1 < cpus.size() && cpus[last + 1] == cpus[last] + 1) ++last;
    if (!text.empty()) text += ',';
    text += std::to_string(cpus[i]);
    if (last > i) text += '-' + std::to_string(cpus[last]);
    i = last + 1;
  }
  return text;
}

}  // namespace limber
