// SPDX-License-Identifier: Apache-2.0
// A line on a terminal that tells how far something is. Layer: tool.
#pragma once
#include <fmt/core.h>
#include <unistd.h>

#include <cstdint>
#include <string>

namespace limber::tool {

// On stderr, redrawn at each whole percent, gone in the end. Says nothing where stderr is no terminal.
class ProgressLine {
 public:
  explicit ProgressLine(bool wanted = true) : shown_(wanted && isatty(STDERR_FILENO) != 0) {}
  ~ProgressLine() { clear(); }
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  void show(const std::string& what, int64_t done, int64_t all) {
    const int64_t percent = all > 0 ? 100 * done / all : 0;
    if (!shown_ || (what == what_ && percent == percent_)) return;
    what_ = what;
    percent_ = percent;
    constexpr int64_t kCells = 24;
    const auto full = static_cast<std::size_t>(percent * kCells / 100);
    fmt::print(stderr, "\r[{}{}] {:3} %  {}\033[K", std::string(full, '#'), std::string(kCells - full, ' '), percent,
               what);
  }
  void clear() {
    if (shown_ && percent_ >= 0) fmt::print(stderr, "\r\033[K");
    percent_ = -1;
  }

 private:
  bool shown_;
  std::string what_;
  int64_t percent_ = -1;
};

}  // namespace limber::tool
