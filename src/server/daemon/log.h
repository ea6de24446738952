// SPDX-License-Identifier: Apache-2.0
// limberd's log: lines on standard error, which a service manager keeps. Layer: server.
#pragma once
#include <fmt/core.h>

#include <cstdio>
#include <string>

namespace limber::server {

// Text from clients may be in it: nothing that steers a terminal gets through, and a line has an end.
inline void log_line(std::string text) {
  if (text.size() > 500) text.resize(500);
  for (char& c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  std::fprintf(stderr, "limberd: %s\n", text.c_str());  // a full disk is no reason to end
}

template <typename... Args>
void log(fmt::format_string<Args...> format, Args&&... args) {
  log_line(fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace limber::server
