// SPDX-License-Identifier: Apache-2.0
// The published latency tables of OFA-MobileNetV3 w1.2 on Jetson Xavier NX (UoS-EEC/DynamicOFA). Layer: design.
#pragma once
#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "design/published/ofa_choice.h"

namespace limber {

// A network's latency is the sum of its layers' means, in the table of its own resolution. Immutable.
class PublishedLatencyTable {
 public:
  // FOLDER/gpu.json or FOLDER/cpu.json (device "gpu" or "cpu"). Fails with kNotFound, or kBadFile naming the resolution
  // and layer that is missing or has no sensible time.
  PublishedLatencyTable(const std::string& folder, const std::string& device);

  const std::vector<int64_t>& resolutions() const { return resolutions_; }
  // Milliseconds. Fails (kInvalidArgument) where the table lacks the resolution, a kernel or an expansion. Well below a
  // microsecond.
  double latency_ms(const OfaChoice& choice) const;

 private:
  struct Sums {
    double fixed = 0;                                                      // the layers that every sub-network has
    std::array<std::array<std::array<double, 3>, 3>, kOfaSlots> blocks{};  // [slot][kernel 3 5 7][expansion 3 4 6]
  };
  std::vector<int64_t> resolutions_;
  std::map<int64_t, Sums> sums_;
};

}  // namespace limber
