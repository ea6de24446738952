// SPDX-License-Identifier: Apache-2.0
#include "platform/energy.h"

#include "platform/linux/real_fs.h"

namespace limber {

EnergySensor::EnergySensor(std::shared_ptr<const Fs> fs, RaplCounters counters)
    : fs_(std::move(fs)), counters_(std::move(counters)) {
  for (const auto& package : counters_.packages()) name_ += (name_.empty() ? "powercap: " : ", ") + package.name;
}

std::optional<EnergySensor> EnergySensor::find(std::string& reason, const std::string& root) {
  auto fs = std::make_shared<const RealFs>(root);
  std::string why;
  auto counters = RaplCounters::find(*fs, why);
  if (counters) return EnergySensor(std::move(fs), std::move(*counters));
  reason = "no sensor (" + why + ")";
  return std::nullopt;
}

double EnergySensor::millijoules() {
  counters_.update(*fs_);
  return counters_.millijoules();
}

}  // namespace limber
