// SPDX-License-Identifier: Apache-2.0
#include "platform/energy.h"

#include "platform/clock.h"
#include "platform/linux/external_meter.h"
#include "platform/linux/real_fs.h"

namespace limber {

EnergySensor::EnergySensor(std::shared_ptr<const Fs> fs, std::unique_ptr<PowerMeter> meter)
    : fs_(std::move(fs)), meter_(std::move(meter)), name_(meter_->name()) {
  meter_->millijoules(now_ns());
}

std::optional<EnergySensor> EnergySensor::find(std::string& reason, const std::string& power_from,
                                               const std::string& root) {
  auto fs = std::make_shared<const RealFs>(root);
  if (!power_from.empty()) return EnergySensor(std::move(fs), std::make_unique<ExternalMeter>(power_from));
  std::vector<MissingMeter> missing;
  auto meters = find_power_meters(*fs, missing);
  if (!meters.empty()) return EnergySensor(std::move(fs), std::move(meters.front()));
  reason.clear();
  for (const MissingMeter& meter : missing) reason += (reason.empty() ? "no sensor (" : "; ") + meter.reason;
  reason += ")";
  return std::nullopt;
}

double EnergySensor::millijoules() {
  return meter_->millijoules(now_ns());
}

}  // namespace limber
