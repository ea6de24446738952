// SPDX-License-Identifier: Apache-2.0
#include "design/published/ofa_choice.h"

#include <algorithm>

#include "base/error.h"

namespace limber {
namespace {

std::size_t find(const DesignSpace& space, const std::string& name) {
  const auto found = std::find_if(space.dimensions.begin(), space.dimensions.end(),
                                  [&name](const Dimension& dimension) { return dimension.name == name; });
  if (found == space.dimensions.end()) {
    fail(ErrorCode::kInvalidArgument,
         "published tables and predictors are for OFA-MobileNetV3; this design space has no dimension '{}' (see "
         "networks/ofa-mobilenetv3-w1.2.json)",
         name);
  }
  return static_cast<std::size_t>(found - space.dimensions.begin());
}

}  // namespace

OfaEncoding::OfaEncoding(const DesignSpace& space) : resolution_(find(space, "resolution")) {
  for (std::size_t stage = 0; stage < kOfaStages; ++stage) {
    depth_[stage] = find(space, fmt::format("stage{}.depth", stage + 1));
    for (std::size_t block = 0; block < kOfaBlocks; ++block) {
      const std::string place = fmt::format("stage{}.block{}", stage + 1, block + 1);
      kernel_[stage * kOfaBlocks + block] = find(space, place + ".kernel");
      expand_[stage * kOfaBlocks + block] = find(space, place + ".expand");
    }
  }
  constexpr std::size_t kAll = 1 + kOfaStages + 2 * kOfaSlots;
  if (space.dimensions.size() != kAll) {
    fail(ErrorCode::kInvalidArgument, "OFA-MobileNetV3 has {} dimensions; this design space has {}", kAll,
         space.dimensions.size());
  }
}

OfaChoice OfaEncoding::decode(const Choice& choice) const {
  OfaChoice result;
  result.resolution = choice[resolution_];
  for (std::size_t i = 0; i < kOfaStages; ++i) result.depth[i] = choice[depth_[i]];
  for (std::size_t i = 0; i < kOfaSlots; ++i) {
    result.kernel[i] = choice[kernel_[i]];
    result.expand[i] = choice[expand_[i]];
  }
  return result;
}

Choice OfaEncoding::encode(const OfaChoice& choice) const {
  Choice result(1 + kOfaStages + 2 * kOfaSlots);
  result[resolution_] = choice.resolution;
  for (std::size_t i = 0; i < kOfaStages; ++i) result[depth_[i]] = choice.depth[i];
  for (std::size_t i = 0; i < kOfaSlots; ++i) {
    result[kernel_[i]] = choice.kernel[i];
    result[expand_[i]] = choice.expand[i];
  }
  return result;
}

}  // namespace limber
