// SPDX-License-Identifier: Apache-2.0
// A plan: a sub-network compiled to calls with final offsets and strides. Layer: network.
// Built by Model (plan_builder.h), run by Session. Immutable; pointers go into the model's packed weights and folded
// norms.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "kernels/kernels.h"
#include "network/blocks.h"
#include "network/graph.h"

namespace limber {

// Every member has a plan of its own, so these are kept small: narrow numbers, shared blocks, inputs in one list.

// A node's output in memory.
struct PlanTensor {
  const Blocks* blocks = nullptr;  // shared by the plans of the model
  int64_t offset = 0;  // floats from the start of the arena (or of the image's share) to plane 0, row 0, pixel 0
  int32_t node = -1;   // whose output it is, index into the graph
  int32_t rows_constant = 0, rows_per_symbol = 0, rows_symbol = -1;  // height
  int32_t rows_maximum = 0;                                          // memory is planned for this
  int32_t width = 0;
  int32_t planes = 0;
  uint8_t halo = 0;        // columns of zeros on either side
  uint8_t halo_rows = 0;   // rows of zeros above and below
  int8_t lanes = 16;       // 4: a narrow image, see kernels.h
  bool per_image = false;  // exit plan: lives from one segment to another, so every image of a batch has its own

  int64_t row() const { return (int64_t{width} + 2 * halo) * lanes; }
  int64_t plane() const { return (int64_t{rows_maximum} + 2 * halo_rows) * row(); }
  int64_t floats() const { return (planes * plane() + 15) / 16 * 16; }
  int64_t lead() const { return halo_rows * row() + halo * lanes; }  // from the tensor's first float to its first pixel
};

// Channels of a tensor that lie in successive planes.
struct PlanRange {
  int32_t tensor = -1;
  int32_t plane = 0, channels = 0;
  int32_t weight_from = 0;  // row of the packed weights' input axis
};

// One call. It writes `channels` channels that lie in successive planes from output_plane on: one block of a tensor.
struct Step {
  const void* weights = nullptr;  // the panel of the first channel: floats, or halves
  const float* scale = nullptr;   // of output_plane
  const float* bias = nullptr;
  int64_t macs = 0;
  int32_t tap_stride = 0;
  int32_t node = -1;        // index into the graph
  int32_t first_input = 0;  // index into Plan::inputs
  int32_t output = -1;
  int32_t output_plane = 0, channels = 0;
  int32_t residual = -1;
  int32_t mean = -1;  // depthwise: the tensor that gets the mean of what it makes, at the same planes
  int32_t partial_in = -1, partial_out = -1;  // tensors
  int16_t input_count = 0;                    // conv: ranges; other calls: their operands
  int16_t kernel = 1, stride = 1, padding = 0;
  int16_t attention = -1;  // index into Plan::attentions
  Op op = Op::kInput;
  Activation activation = Activation::kNone;
  Activation residual_activation = Activation::kNone;  // depthwise: after the residual, which is a call of its own
  bool depthwise : 1 = false;
  bool half_weights : 1 = false;
  bool b_is_pixel : 1 = false;
  bool made : 1 = false;        // global average pool: a depthwise step has already made it
  bool clear_halo : 1 = false;  // the first step that writes this output
  bool complete : 1 = true;     // the last step of its node: the output is all there

  int64_t panel_stride() const { return int64_t{kernel} * kernel * tap_stride; }
  kernels::PackedPanels panels() const {
    if (half_weights) return static_cast<const uint16_t*>(weights);
    return static_cast<const float*>(weights);
  }
};

// What only attention has.
struct PlanAttention {
  int64_t state_offset = 0;   // floats from the start of the session's state: keys, then values
  int32_t state_symbol = -1;  // counts the rows before this step; -1: no state
  int32_t state_rows = 0;
  int32_t heads = 1;
};

struct PlanAnswer {
  int tensor = -1;
};

// A part of the plan that ends with an answer; a member's plan has one.
struct Segment {
  std::size_t first = 0, last = 0;  // steps [first, last)
  PlanAnswer answer;
};

class Plan {
 public:
  std::vector<PlanTensor> tensors;
  std::vector<Step> steps;
  std::vector<PlanRange> inputs;  // of all steps
  std::vector<PlanAttention> attentions;
  std::vector<Segment> segments;
  int64_t arena = 0;      // floats for the tensors of one image
  int64_t per_image = 0;  // floats kept for each image of a batch, exit plans only
  int64_t state = 0;      // floats
  int64_t scores = 0;     // floats of scratch for attention
  int64_t macs = 0;
  std::span<const PlanRange> inputs_of(const Step& step) const {
    return {inputs.data() + step.first_input, static_cast<std::size_t>(step.input_count)};
  }
  int64_t bytes() const;  // of this description
};

}  // namespace limber
