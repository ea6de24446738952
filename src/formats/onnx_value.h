// SPDX-License-Identifier: Apache-2.0
// What the importer knows of one tensor of an ONNX graph. Layer: formats; an optional component (LIMBER_ONNX).
#pragma once
#include <algorithm>
#include <cstdint>
#include <vector>

#include "formats/onnx_tensor.h"
#include "network/graph.h"

namespace limber {

// Channels [from, from + count) of a node of the graph.
struct OnnxPart {
  int node = -1;
  int64_t from = 0, count = 0;
  bool operator==(const OnnxPart&) const = default;
};

// How the file lays out channels x height x width; for a single pixel it makes no difference.
enum class OnnxView {
  kFirst,     // [1, channels, height, width]
  kLast,      // [1, height, width, channels]
  kFlat,      // [1, channels * height * width]
  kFlatLast,  // [1, height * width * channels]
};

struct OnnxPads {
  int64_t top = 0, left = 0, bottom = 0, right = 0;
  bool empty() const { return top == 0 && left == 0 && bottom == 0 && right == 0; }
};

// A constant, or channels of nodes. Some operators say nothing until it is known what follows, so they wait here:
// scale * x + shift for each channel, or factor * activation(x), or rows and columns around x.
struct OnnxValue {
  OnnxTensor constant;
  bool refused = false;  // made by an operator that cannot be imported
  std::vector<OnnxPart> parts;
  int64_t channels = 0, height = 0, width = 0;
  std::vector<int64_t> dims;
  OnnxView view = OnnxView::kFirst;
  std::vector<float> scale, shift;  // both empty, or one each for every channel
  Activation activation = Activation::kNone;
  float factor = 1;
  OnnxPads pads;
  float pad_value = 0;

  bool is_constant() const { return parts.empty(); }
  bool pixel() const { return height == 1 && width == 1; }
  bool plain() const { return scale.empty() && activation == Activation::kNone && pads.empty(); }
  // The axis of `dims` that counts channels; -1: none does.
  int64_t channel_axis() const {
    if (pixel()) {
      for (std::size_t i = dims.size(); i > 0; --i) {
        if (dims[i - 1] == channels) return static_cast<int64_t>(i) - 1;
      }
    }
    return view == OnnxView::kFirst ? 1 : view == OnnxView::kLast ? 3 : -1;
  }
};

}  // namespace limber
