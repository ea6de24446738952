// SPDX-License-Identifier: Apache-2.0
#include "tool/calibrate/board_meter.h"

#include <algorithm>

#include "base/error.h"
#include "platform/clock.h"
#include "platform/linux/external_meter.h"
#include "platform/linux/processor_rail.h"

namespace limber::tool {
namespace {

constexpr int64_t kFirstValueNs = 5'000'000'000;

}  // namespace

BoardMeter::BoardMeter(const Fs& fs, const MeterWish& wish, const std::vector<LinuxProcessor>& processors,
                       std::size_t index) {
  if (wish.power_from.empty()) {
    find(fs, wish, processors, index);
  } else {
    auto meter = std::make_unique<ExternalMeter>(wish.power_from);
    means_itself_ = meter->pid() >= 0;
    meter_ = std::move(meter);
    name_ = wish.power_from;
  }
  // A wrong meter is told now, not after the first row.
  const int64_t end = now_ns() + kFirstValueNs;
  while (read() < 0) {
    if (now_ns() > end) fail(ErrorCode::kIo, "{}", reason_);
    sleep_until_ns(now_ns() + 20'000'000);
  }
  last_ns_ = now_ns();
}

void BoardMeter::find(const Fs& fs, const MeterWish& wish, const std::vector<LinuxProcessor>& processors,
                      std::size_t index) {
  std::vector<MissingMeter> missing;
  std::vector<std::unique_ptr<PowerMeter>> meters = find_power_meters(fs, missing);
  std::string seen;
  for (auto& meter : meters) {
    meter->read(now_ns());
    sleep_until_ns(now_ns() + 5'000'000);  // a counter tells power from its second reading on
    const std::vector<Rail> rails = meter->read(now_ns()).rails;
    for (const Rail& rail : rails) seen += fmt::format("{}{}", seen.empty() ? "" : ", ", rail.name);
    const auto take = [&](const std::string& rail) {
      rail_ = rail;
      name_ = rail.empty() ? meter->name() : fmt::format("{} of {}", rail, meter->name());
      meter_ = std::move(meter);
    };
    if (wish.whole_board) {
      if (!meter->whole_board()) continue;
      return take("");
    }
    if (!wish.rail.empty()) {
      if (std::none_of(rails.begin(), rails.end(), [&](const Rail& rail) { return rail.name == wish.rail; })) continue;
      sees_all_ = false;
      return take(wish.rail);
    }
    if (const auto rail = rail_of(rails, processors, index)) {
      shared_ = !rail->alone;
      sees_all_ = rail->chip;
      return take(rail->name);
    }
  }
  if (meters.empty()) {
    std::string reasons;
    for (const MissingMeter& one : missing)
      reasons += fmt::format("{}{}: {}", reasons.empty() ? "" : "; ", one.name, one.reason);
    fail(ErrorCode::kUnsupported, "no power meter ({}); give a meter with --power-from FILE|COMMAND", reasons);
  }
  if (wish.whole_board)
    fail(ErrorCode::kUnsupported,
         "--whole-board: no rail feeds the whole board; there are {}; give a meter with "
         "--power-from FILE|COMMAND",
         seen);
  if (!wish.rail.empty()) fail(ErrorCode::kInvalidArgument, "--rail {}: legal: {}", wish.rail, seen);
  fail(ErrorCode::kUnsupported,
       "no rail's name says that it feeds {}; there are {}: name one with --rail; or take the whole board's with "
       "--whole-board, or a meter of your own with --power-from FILE|COMMAND",
       processors[index].name, seen);
}

double BoardMeter::read() {
  const PowerReading reading = meter_->read(now_ns());
  reason_ = fmt::format("{}: {}", name_, reading.reason);
  if (rail_.empty()) return reading.watts;
  for (const Rail& rail : reading.rails)
    if (rail.name == rail_) return rail.watts;
  if (reading.reason.empty()) reason_ = fmt::format("{}: shows nothing now", name_);
  return -1;
}

void BoardMeter::sample() {
  if (means_itself_) return;
  const double watts = read();
  if (watts < 0) fail(ErrorCode::kIo, "{}", reason_);
  const int64_t now = now_ns();
  const double seconds = 1e-9 * static_cast<double>(now - last_ns_);
  last_ns_ = now;
  joules_ += watts * seconds;
  seconds_ += seconds;
}

double BoardMeter::watts() {
  if (means_itself_ || seconds_ <= 0) {
    const double watts = read();
    if (watts < 0) fail(ErrorCode::kIo, "{}", reason_);
    return watts;
  }
  const double mean = joules_ / seconds_;
  joules_ = seconds_ = 0;
  return mean;
}

}  // namespace limber::tool
