// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/clock_domain.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>

#include "platform/linux/clock_files.h"

namespace limber {

std::string ClockDomain::value(int64_t khz) const {
  return fmt::format("{}", khz * files().per_khz);
}

int64_t ClockDomain::current_khz(const Fs& fs) const {
  return read_integer(fs, file(files().current)).value_or(0) / files().per_khz;
}

ClockLimits ClockDomain::limits(const Fs& fs) const {
  const auto low = read_integer(fs, file(files().low)), high = read_integer(fs, file(files().high));
  if (!low || !high) return {};
  return {*low / files().per_khz, *high / files().per_khz};
}

std::string ClockDomain::governor(const Fs& fs) const {
  return fs.read(file(files().governor)).text;
}

int64_t ClockDomain::load_permille(const Fs& fs) const {
  if (cpu_) return -1;
  if (const auto load = read_integer(fs, file("device/load"))) return *load;  // Jetson
  // "37@420000000Hz" of some vendor kernels: percent
  const std::string text = fs.read(file("load")).text;
  const auto percent = parse_integer(text.substr(0, text.find('@')));
  return percent && *percent >= 0 && *percent <= 100 ? *percent * 10 : -1;
}

void ClockDomain::take_limit_for_heat(RestoreLog& log) {
  if (found_limits_.high == 0 || found_limits_.high >= khz_.back()) return;
  found_limits_.high = khz_.back();
  log.note_original(file(files().high), value(khz_.back()));
}

Outcome ClockDomain::as_found(RestoreLog& log) const {
  Outcome outcome = set_governor(log, found_governor_);
  if (!outcome.ok() || found_limits_ == ClockLimits{}) return outcome;
  return set_limits(log, found_limits_);
}

Outcome ClockDomain::set_governor(RestoreLog& log, const std::string& name) const {
  if (governor(log.fs()) == name) return {0, name, ""};
  Outcome outcome = log.set(file(files().governor), name);
  if (outcome.error == EINVAL) outcome.reason += fmt::format(" (governors here: {})", fmt::join(governors_, ", "));
  return outcome;
}

Outcome ClockDomain::set_limits(RestoreLog& log, const ClockLimits& wanted) const {
  const ClockLimits now = limits(log.fs());
  const std::string low = file(files().low), high = file(files().high);
  const bool upper_first = wanted.high >= now.low;
  Outcome last;
  for (const bool upper : {upper_first, !upper_first}) {
    if (now == ClockLimits{} || (upper ? now.high != wanted.high : now.low != wanted.low))
      last = log.set(upper ? high : low, value(upper ? wanted.high : wanted.low));
    if (!last.ok()) return last;
  }
  const ClockLimits made = limits(log.fs());
  last.now = fmt::format("{}..{} kHz", made.low, made.high);
  return last;
}

Outcome ClockDomain::set_fixed(RestoreLog& log, int64_t khz) const {
  const Outcome outcome = set_governor(log, found_governor_);
  return outcome.ok() ? set_limits(log, {khz, khz}) : outcome;
}

Outcome ClockDomain::set_at_least(RestoreLog& log, int64_t khz) const {
  const Outcome outcome = set_governor(log, found_governor_);
  if (!outcome.ok()) return outcome;
  return set_limits(log, {std::max(khz, found_limits_.low), std::max(khz, found_limits_.high)});
}

Knob ClockDomain::knob(const Fs& fs) const {
  Knob knob;
  knob.supported = true;
  knob.range = khz_.size() == 1
                   ? fmt::format("{} kHz only", khz_[0])
                   : fmt::format("{}..{} kHz, {}; {}", khz_.front(), khz_.back(),
                                 steps_listed_ ? fmt::format("{} points", khz_.size()) : "any point between",
                                 governors_.empty() ? "no governor" : fmt::format("{}", fmt::join(governors_, " ")));
  for (const char* name : {files().governor, files().low, files().high}) {
    if (fs.writable(file(name))) continue;
    knob.reason = explain(file(name), fs.exists(file(name)) ? EACCES : ENOENT);
    return knob;
  }
  knob.writable = true;
  return knob;
}

}  // namespace limber
