// SPDX-License-Identifier: Apache-2.0
// What the mains of limber and limberd do alike about a command line. Layer: server. For programs: needs CLI11.
#pragma once
#include <fcntl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

namespace limber::server {

// Where a program was started without standard input, output or error (`>&-`), the next files it opens would take their
// numbers, and what it prints would go into a model file. So they are opened on /dev/null, the outputs read-only:
// whoever prints is told that it cannot.
inline void hold_standard_streams() {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    if (::fcntl(fd, F_GETFD) < 0) (void)!::open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

// What is wrong with an option's value of this CLI11 type, or "".
inline std::string odd_value(const std::string& type, const std::string& text) {
  if (text.empty()) return "an empty value; give one, or leave it out for the default";
  char* end = nullptr;
  errno = 0;
  if (type.starts_with("FLOAT")) {
    const double value = std::strtod(text.c_str(), &end);
    if (*end == '\0' && !std::isfinite(value)) return "'" + text + "' is no finite number";
  } else if (type.starts_with("UINT")) {
    (void)std::strtoull(text.c_str(), &end, 0);
    if (errno == ERANGE || text.find('-') != text.npos) return "'" + text + "'; legal: 0 to 18446744073709551615";
  } else if (type.starts_with("INT")) {
    (void)std::strtoll(text.c_str(), &end, 0);
    if (errno == ERANGE) return "'" + text + "' is no number of 64 bits";
  }
  return "";
}

// CLI11 passes values that nobody means: empty ones (an unset variable of a script), which would silently stand for the
// default; NaN, which is in every range; -1 as a huge number. Call before parsing, once all options are declared.
inline void refuse_odd_values(CLI::App& app) {
  for (CLI::Option* option : app.get_options()) {
    if (option->get_expected_min() == 0) continue;  // a flag
    const std::string type = option->get_type_name();
    option->check([type](const std::string& text) { return odd_value(type, text); });
  }
  for (CLI::App* command : app.get_subcommands([](CLI::App*) { return true; })) refuse_odd_values(*command);
}

// The exit code of a program that would end with `code`: 1 where its output has not all been written.
inline int after_output(const char* program, int code) {
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return code;
  std::fprintf(stderr, "%s: error: standard output: cannot be written: %s\n", program, std::strerror(errno));
  return code == 0 ? 1 : code;
}

}  // namespace limber::server
