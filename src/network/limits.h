// SPDX-License-Identifier: Apache-2.0
// What a network may ask for. Far above every known one, and low enough that no product of checked values overflows 64
// bits unnoticed and a hostile file cannot ask for absurd memory. Layer: network.
#pragma once
#include <cstdint>

namespace limber::limits {

inline constexpr int64_t kNodes = 1 << 16;
inline constexpr int64_t kDimensions = 1 << 10;
inline constexpr int64_t kChoices = 1 << 12;      // of one dimension
inline constexpr int64_t kChoiceValue = 1 << 20;  // largest magnitude of a choice
inline constexpr int64_t kSymbol = 1 << 16;       // largest maximum of a run-time symbol
inline constexpr int64_t kInputs = 1 << 10;       // of one node
inline constexpr int64_t kChannels = 1 << 20;
inline constexpr int64_t kPixels = 1 << 16;  // of one side of an image, or rows of a sequence
inline constexpr int64_t kKernel = 255;      // kernel size, stride, padding
inline constexpr int64_t kFamily = 1 << 10;
inline constexpr int64_t kTransforms = 16;                        // of one node
inline constexpr int64_t kActivationBytes = int64_t{1} << 31;     // of one node's output
inline constexpr int64_t kAllActivationBytes = int64_t{1} << 34;  // of a sub-network's outputs together
inline constexpr int64_t kStateBytes = int64_t{1} << 31;
inline constexpr int64_t kWeightBytes = int64_t{1} << 33;  // of one tensor
inline constexpr int64_t kMacs = int64_t{1} << 53;         // of one inference: exact as a double

}  // namespace limber::limits
