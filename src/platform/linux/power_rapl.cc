// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/power_rapl.h"

#include <fmt/core.h>

#include "platform/linux/power_meter.h"

namespace limber {
namespace {

constexpr const char* kPowercap = "/sys/class/powercap";

class RaplMeter : public PowerMeter {
 public:
  RaplMeter(const Fs& fs, RaplCounters counters) : fs_(fs), counters_(std::move(counters)) {}
  std::string name() const override {
    std::string names;
    for (const auto& package : counters_.packages()) names += (names.empty() ? "powercap: " : ", ") + package.name;
    return names;
  }
  double period_ms() const override { return 1; }
  double resolution_w() const override { return 0.001; }
  bool whole_board() const override { return false; }  // no display, no disk, no converter losses

  PowerReading read(int64_t now_ns) override {
    const bool first = last_ns_ < 0;
    const double ms = static_cast<double>(now_ns - last_ns_) * 1e-6;
    if (!first && ms < period_ms()) return last_;  // too short to divide by
    PowerReading reading;
    if (!counters_.update(fs_)) {
      reading.reason = explain(counters_.packages()[0].path, fs_.read(counters_.packages()[0].path).error);
      return reading;
    }
    last_ns_ = now_ns;
    const std::vector<double> before = std::move(totals_mj_);
    totals_mj_.clear();
    for (const auto& package : counters_.packages()) totals_mj_.push_back(package.total_mj);
    if (first) {
      reading.reason = "the first reading of a counter tells no power";
      return reading;
    }
    reading.watts = 0;
    for (size_t i = 0; i < before.size(); ++i) {
      reading.rails.push_back({counters_.packages()[i].name, (totals_mj_[i] - before[i]) / ms});
      reading.watts += reading.rails.back().watts;
    }
    last_ = reading;
    return reading;
  }

  double millijoules(int64_t) override {
    counters_.update(fs_);
    return counters_.millijoules();
  }

 private:
  const Fs& fs_;
  RaplCounters counters_;
  std::vector<double> totals_mj_;  // of each package at the last reading of power
  int64_t last_ns_ = -1;
  PowerReading last_;
};

}  // namespace

std::optional<RaplCounters> RaplCounters::find(const Fs& fs, std::string& reason) {
  RaplCounters counters;
  bool unreadable = false;
  for (const std::string& zone : fs.list(kPowercap).names) {
    const std::string folder = fmt::format("{}/{}", kPowercap, zone);
    const std::string name = fs.read(folder + "/name").text;
    // Sub-zones (core, dram) are parts of a package or differ by machine: packages only, so that nothing counts twice.
    // The same packages appear once more as intel-rapl-mmio on some laptops.
    if (name.rfind("package", 0) != 0 || zone.find("mmio") != std::string::npos) continue;
    const auto now = read_integer(fs, folder + "/energy_uj");
    if (!now) {
      unreadable = true;
      continue;
    }
    counters.packages_.push_back({name, folder + "/energy_uj",
                                  static_cast<double>(read_integer(fs, folder + "/max_energy_range_uj").value_or(0)),
                                  static_cast<double>(*now), 0});
  }
  if (!counters.packages_.empty()) return counters;
  reason = unreadable ? fmt::format("energy counters in {} are readable by root only", kPowercap)
                      : fmt::format("no energy counter in {}", kPowercap);
  return std::nullopt;
}

bool RaplCounters::update(const Fs& fs) {
  bool any = false;
  for (Package& package : packages_) {
    const auto now = read_integer(fs, package.path);
    if (!now) continue;
    any = true;
    double difference = static_cast<double>(*now) - package.last_uj;
    if (difference < 0) difference += package.range_uj;
    package.total_mj += difference / 1000;
    package.last_uj = static_cast<double>(*now);
  }
  return any;
}

double RaplCounters::millijoules() const {
  double sum = 0;
  for (const Package& package : packages_) sum += package.total_mj;
  return sum;
}

std::unique_ptr<PowerMeter> find_rapl(const Fs& fs, std::string& reason) {
  auto counters = RaplCounters::find(fs, reason);
  return counters ? std::make_unique<RaplMeter>(fs, std::move(*counters)) : nullptr;
}

}  // namespace limber
