// SPDX-License-Identifier: Apache-2.0
#include "design/published/claims.h"

#include <algorithm>

#include "base/error.h"

namespace limber {
namespace {

// The mean of the two in the middle, unlike base/statistics.h: of six values none is in the middle.
double middle(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

bool is_gpu(const std::string& device) {
  if (device != "gpu" && device != "cpu")
    fail(ErrorCode::kInvalidArgument, "no published claims for '{}'; legal: gpu, cpu", device);
  return device == "gpu";
}

std::vector<Objectives> calibrated(std::span<const Objectives> front, const Calibration& calibration) {
  std::vector<Objectives> result;
  for (const Objectives& point : front)
    result.push_back({point.cost * calibration.scale, point.accuracy - calibration.offset});
  return result;
}

std::vector<double> scales(std::span<const Objectives> front, const PublishedFamilies& families, double offset,
                           bool gpu) {
  std::vector<double> result;
  if (gpu) {
    const auto& curve = families.gpu.at("dynamic_ofa");
    for (std::size_t i = 0; i < families.six.size() && i < curve.size(); ++i)
      result.push_back(curve[i].cost / families.six[i].table_gpu_ms);
    return result;
  }
  result.push_back(1);
  for (const Objectives& point : families.cpu.at("dynamic_ofa")) {
    if (const auto cost = cost_at(front, point.accuracy + offset)) result.push_back(point.cost / *cost);
  }
  return result;
}

void add(Claim* claim, const std::optional<double>& value, bool first) {
  if (first) claim->derived = value;
  if (!value) return;
  claim->least = std::min(claim->least.value_or(*value), *value);
  claim->most = std::max(claim->most.value_or(*value), *value);
}

}  // namespace

std::vector<AgainstMember> against_the_six(std::span<const Objectives> front, const PublishedFamilies& families,
                                           const std::string& device) {
  std::vector<AgainstMember> result;
  for (const PublishedMember& member : families.six) {
    AgainstMember against;
    against.latency_ms = is_gpu(device) ? member.table_gpu_ms : member.table_cpu_ms;
    against.predicted = member.predicted_top1;
    for (const Objectives& point : front) {
      if (point.cost <= against.latency_ms && point.accuracy > against.found.accuracy) against.found = point;
    }
    result.push_back(against);
  }
  return result;
}

std::vector<Calibration> calibrations(std::span<const Objectives> front, const PublishedFamilies& families,
                                      const std::string& device) {
  const bool gpu = is_gpu(device);
  std::vector<double> offsets;
  for (const PublishedMember& member : families.six) offsets.push_back(member.predicted_top1 - member.top1);
  const double offset = middle(offsets);
  std::vector<Calibration> result = {{offset, middle(scales(front, families, offset, gpu)), "medians"}};
  for (std::size_t i = 0; i < offsets.size(); ++i) {
    for (const double scale : scales(front, families, offsets[i], gpu))
      result.push_back({offsets[i], scale, fmt::format("offset of level {}", i)});
  }
  return result;
}

std::vector<Claim> claims(std::span<const Objectives> front, const PublishedFamilies& families,
                          const std::string& device) {
  const bool gpu = is_gpu(device);
  std::vector<Objectives> base = (gpu ? families.gpu : families.cpu).at("autoslim_mnasnet");
  if (base.size() < 3)
    fail(ErrorCode::kBadFile, "families.json: AutoSlim-MnasNet has {} points; the claims need 3", base.size());
  // Which points the paper's figures belong to: docs/reproduce/dynamic-ofa.md derives them from Fig. 4.
  const Objectives &slowest = base[2], &equal = gpu ? base[0] : base[1];
  Claim speed{"speed-up at equal accuracy", "x", gpu ? 2.4 : 3.5, slowest.cost, slowest.accuracy, {}, {}, {}};
  Claim gain{"accuracy gain at equal latency", "points", gpu ? 5.1 : 3.8, equal.cost, equal.accuracy, {}, {}, {}};
  bool first = true;
  for (const Calibration& calibration : calibrations(front, families, device)) {
    const std::vector<Objectives> ours = calibrated(front, calibration);
    const auto time = cost_at(ours, slowest.accuracy);
    add(&speed, time ? std::optional(slowest.cost / *time) : std::nullopt, first);
    const auto accuracy = accuracy_at(ours, equal.cost);
    add(&gain, accuracy ? std::optional(100 * (*accuracy - equal.accuracy)) : std::nullopt, first);
    first = false;
  }
  return {speed, gain};
}

}  // namespace limber
