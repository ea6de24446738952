// SPDX-License-Identifier: Apache-2.0
// A plan: a sub-network compiled to calls with final offsets and strides. Layer: network.
// Built by Model (plan_builder.h), run by Session. Immutable; pointers go into the model's packed weights and folded
// norms.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "network/blocks.h"
#include "network/graph.h"

namespace limber {

// A node's output in memory.
struct PlanTensor {
  std::string node;  // whose output it is
  Blocks blocks;
  Resolved height;  // memory is planned for the symbol's maximum
  int64_t width = 0, halo = 0;
  int64_t rows_maximum = 0;
  bool per_image = false;  // exit plan: lives from one segment to another, so every image of a batch has its own
  int64_t offset = 0;      // floats from the start of the arena (or of the image's share) to plane 0, row 0, pixel 0
  int64_t first_step = -1, last_step = -1;

  int64_t row() const { return (width + 2 * halo) * 16; }
  int64_t plane() const { return (rows_maximum + 2 * halo) * row(); }
  int64_t floats() const { return blocks.planes() * plane(); }
  int64_t lead() const { return halo * row() + halo * 16; }  // from the tensor's first float to its first pixel
};

// Channels of a tensor that lie in successive planes.
struct PlanRange {
  int tensor = -1;
  int64_t plane = 0, channels = 0;
  int64_t weight_from = 0;  // row of the packed weights' input axis
};

// One call. It writes `channels` channels that lie in successive planes from output_plane on: one block of a tensor.
struct Step {
  Op op = Op::kInput;
  std::string node;
  std::vector<PlanRange> inputs;  // conv: ranges; other calls: their operands
  int output = -1;
  int64_t output_plane = 0, channels = 0;
  Resolved height, input_height;
  int64_t width = 0, input_width = 0;
  int64_t kernel = 1, stride = 1, padding = 0;
  bool depthwise = false;
  Activation activation = Activation::kNone;
  const float* weights = nullptr;  // the panel of the first channel
  int64_t panel_stride = 0, tap_stride = 0;
  const float* scale = nullptr;  // of output_plane
  const float* bias = nullptr;
  int residual = -1;
  Activation residual_activation = Activation::kNone;  // depthwise: after the residual, which is a call of its own
  int partial_in = -1, partial_out = -1;               // tensors
  bool b_is_pixel = false;
  bool clear_halo = false;   // the first step that writes this output
  bool complete = true;      // the last step of its node: the output is all there
  int64_t heads = 1;         // attention
  int state_symbol = -1;     // attention: counts the rows before this step; -1: no state
  int64_t state_offset = 0;  // floats from the start of the session's state: keys, then values
  int64_t state_rows = 0;
  int64_t macs = 0;
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
  std::vector<Segment> segments;
  int64_t arena = 0;      // floats for the tensors of one image
  int64_t per_image = 0;  // floats kept for each image of a batch, exit plans only
  int64_t state = 0;      // floats
  int64_t scores = 0;     // floats of scratch for attention
  int64_t macs = 0;
  int64_t bytes() const;  // of this description
};

}  // namespace limber
