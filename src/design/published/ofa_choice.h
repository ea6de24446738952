// SPDX-License-Identifier: Apache-2.0
// A sub-network of OFA-MobileNetV3 as the published tables, predictors and families name it. Layer: design.
#pragma once
#include <array>
#include <cstdint>

#include "network/graph.h"

namespace limber {

inline constexpr int kOfaStages = 5, kOfaBlocks = 4, kOfaSlots = kOfaStages * kOfaBlocks;

// Slot i is block i % 4 of stage i / 4 (both from 0), active when i % 4 < depth[i / 4]; what stands in other slots
// means nothing.
struct OfaChoice {
  int64_t resolution = 0;
  std::array<int64_t, kOfaStages> depth{};
  std::array<int64_t, kOfaSlots> kernel{}, expand{};

  bool active(int slot) const { return slot % kOfaBlocks < depth[static_cast<std::size_t>(slot / kOfaBlocks)]; }
};

// Between these and the choices of a graph whose dimensions are called resolution, stage1.depth, stage1.block1.kernel,
// stage1.block1.expand ... as in networks/ofa-mobilenetv3-*.json. Immutable.
class OfaEncoding {
 public:
  // Fails (kInvalidArgument) naming the first dimension that the space lacks, or one that OFA-MobileNetV3 has not.
  explicit OfaEncoding(const DesignSpace& space);

  OfaChoice decode(const Choice& choice) const;
  Choice encode(const OfaChoice& choice) const;

 private:
  std::size_t resolution_;
  std::array<std::size_t, kOfaStages> depth_;
  std::array<std::size_t, kOfaSlots> kernel_, expand_;
};

}  // namespace limber
