// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/pressure.h"

#include <fmt/core.h>

#include <cerrno>
#include <cstdio>

namespace limber {

std::optional<Pressure> parse_pressure(const std::string& text) {
  Pressure pressure;
  bool any = false;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    const std::string line = text.substr(at, end - at);
    at = end + 1;
    Pressure::Line values;
    long long total = 0;
    char what[8] = {};
    if (std::sscanf(line.c_str(), "%7s avg10=%lf avg60=%lf avg300=%lf total=%lld", what, &values.avg10, &values.avg60,
                    &values.avg300, &total) != 5)
      continue;
    values.total_us = total;
    const std::string name = what;
    if (name == "some") pressure.some = values;
    if (name == "full") pressure.full = values;
    any = any || name == "some";
  }
  return any ? std::optional<Pressure>(pressure) : std::nullopt;
}

std::optional<Pressure> read_pressure(const Fs& fs, const std::string& resource, const std::string& group) {
  const FsText text =
      fs.read(group.empty() ? "/proc/pressure/" + resource : fmt::format("{}/{}.pressure", group, resource));
  return text.ok() ? parse_pressure(text.text) : std::nullopt;
}

std::vector<Monitor> pressure_monitors(const Fs& fs) {
  std::vector<Monitor> monitors;
  for (const char* resource : {"cpu", "memory", "io"}) {
    const FsText text = fs.read(fmt::format("/proc/pressure/{}", resource));
    const auto pressure = text.ok() ? parse_pressure(text.text) : std::nullopt;
    // The kernel updates its means every 2 s.
    Monitor monitor{fmt::format("pressure {}", resource), pressure.has_value(), "%", 2000, 0.01, "", ""};
    if (pressure)
      monitor.now = fmt::format("{:.2f}", pressure->some.avg10);
    else if (text.error == ENOENT || text.error == EOPNOTSUPP || text.error == ENOSYS)
      monitor.reason =
          "this kernel shows no pressure; boot with psi=1 on the kernel's command line (Linux 4.20 and later)";
    else
      monitor.reason = text.ok() ? "not in the form that is known" : explain(monitor.name, text.error);
    monitors.push_back(std::move(monitor));
  }
  return monitors;
}

}  // namespace limber
