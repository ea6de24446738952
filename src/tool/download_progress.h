// SPDX-License-Identifier: Apache-2.0
// One line on the terminal that follows a download. Layer: tool.
#pragma once
#include <fmt/core.h>
#include <unistd.h>

#include "formats/download.h"

namespace limber::tool {

// Empty where standard error is no terminal.
inline Progress download_progress() {
  if (isatty(STDERR_FILENO) == 0) return {};
  return [](const std::string& file, int64_t done, int64_t total) {
    constexpr double kMiB = 1 << 20;
    fmt::print(stderr, "\r{}: {:.1f} MiB", file, static_cast<double>(done) / kMiB);
    if (total > 0) fmt::print(stderr, " of {:.1f} ({:.0f} %)", static_cast<double>(total) / kMiB, 100.0 * done / total);
    fmt::print(stderr, "\033[K");
    return true;
  };
}

// Call it when the download has ended.
inline void clear_progress() {
  if (isatty(STDERR_FILENO) != 0) fmt::print(stderr, "\r\033[K");
}

}  // namespace limber::tool
