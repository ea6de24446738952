// SPDX-License-Identifier: Apache-2.0
// What the checks have in common. Layer: network; included by check*.cc alone.
#pragma once
#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

#include "base/error.h"

namespace limber {

template <typename... Args>
[[noreturn]] void bad(fmt::format_string<Args...> format, Args&&... args) {
  fail(ErrorCode::kBadFile, format, std::forward<Args>(args)...);
}

// Names are shown in messages and tables: no control characters, no megabytes.
inline void check_name(const std::string& name, const std::string& what) {
  const bool printable =
      std::none_of(name.begin(), name.end(), [](char c) { return static_cast<unsigned char>(c) < 32; });
  if (name.empty() || name.size() > 256 || !printable) {
    bad("{} has an illegal name of {} bytes; legal: 1 to 256 printable ones", what, name.size());
  }
}

inline void check_count(std::size_t found, int64_t most, const std::string& what) {
  if (found > static_cast<std::size_t>(most)) bad("{} {}; legal: up to {}", found, what, most);
}

}  // namespace limber
