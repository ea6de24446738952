// SPDX-License-Identifier: Apache-2.0
// What a step of a plan computes, as plain calls on channel-blocked memory. Layer: network.
//
// Layout: planes of 16 channels, [plane][row][pixel][16] floats, 16 floats from pixel to pixel; lanes without a channel
// hold 0. Pixels around an image (its halo) hold 0 and belong to it; a call writes the image, never its halo. Numbers:
// an output element is one chain of fused multiply-adds: ranges in their order, then taps, then channels. The chain
// does not depend on tiles, threads, or how many channels surround it, so results are the same bit for bit within one
// instruction set. All calls are pure functions of their arguments: safe from any thread, no allocation, no errors
// (plans are checked before).
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "network/graph.h"

namespace limber {

struct View {
  float* data = nullptr;       // plane 0, row 0, pixel 0 (inside the halo)
  int64_t plane = 0, row = 0;  // floats from plane to plane, from row to row
};

// Input channels that lie in successive planes, the first in lane 0.
struct ConvRange {
  View input;
  int64_t channels = 0;
  const float* weights = nullptr;  // of this range's first channel, tap 0, panel 0
};

// Dense convolution of `planes` output planes; a linear layer is one with kernel 1. Weights [panel][tap][k_super][16].
struct ConvCall {
  const ConvRange* ranges = nullptr;
  int64_t range_count = 0;
  int64_t k_super = 0;  // input channels of the packed weights
  int64_t kernel = 1, stride = 1, padding = 0;
  View output;
  int64_t planes = 0, height = 0, width = 0;  // of the output
  const float* scale = nullptr;               // [planes][16]; 0 in lanes without a channel
  const float* bias = nullptr;                // [planes][16]; 0 in lanes without a channel
  const uint8_t* lanes = nullptr;             // [planes]: channels in each plane
  Activation activation = Activation::kNone;
  View residual;                      // added before the activation; data == nullptr: none
  const float* partial_in = nullptr;  // [planes][height][width][16]: where the chains start; nullptr: at 0
  float* partial_out = nullptr;       // the chains' values before scale and bias; nullptr: not kept
};

// Depthwise convolution. Weights [panel][tap][16]. Uses one range; k_super is 1.
using DepthwiseCall = ConvCall;

struct PoolCall {
  View input, output;
  int64_t input_height = 0, input_width = 0;
  int64_t planes = 0, height = 0, width = 0;  // of the output
  int64_t kernel = 1, stride = 1, padding = 0;
};

struct PixelCall {
  View a, b, output;        // b: add, multiply
  bool b_is_pixel = false;  // multiply: b has one pixel for all of a's
  int64_t planes = 0, height = 0, width = 0;
  const uint8_t* lanes = nullptr;
  Activation activation = Activation::kNone;
};

struct AttentionCall {
  View query, key, value, output;  // width 1
  int64_t rows = 0, keys = 0;      // rows of query, of key and value
  int64_t past = -1;               // >= 0: row r sees keys 0 .. past + r; -1: all keys
  int64_t heads = 1, channels = 0;
  const int32_t* lane_of = nullptr;  // [channels]: plane * 16 + lane
  float* scores = nullptr;           // [keys] scratch
};

// Every call computes the output rows [row, row_end) of the planes [plane, plane_end), so that callers can split the
// work.
struct Part {
  int64_t plane = 0, plane_end = 0, row = 0, row_end = 0;
};

struct Ops {
  const char* isa = "";
  int64_t panels = 1;  // output planes that one tile computes at once: splits at multiples of it lose nothing
  void (*conv)(const ConvCall&, const Part&);
  void (*depthwise)(const DepthwiseCall&, const Part&);
  void (*max_pool)(const PoolCall&, const Part&);  // pixels outside the image do not count
  void (*average_pool)(const PoolCall&,
                       const Part&);  // pixels outside the image count as 0: divides by kernel * kernel
  void (*global_average)(const PoolCall&, const Part&);  // height = width = 1; sums pixels in order
  void (*activate)(const PixelCall&, const Part&);
  void (*add)(const PixelCall&, const Part&);
  void (*multiply)(const PixelCall&, const Part&);
  void (*softmax)(const PixelCall&, const Part&);  // over the channels of each pixel; `plane`s of the part are ignored
  void (*attention)(const AttentionCall&);
};

// The instruction sets that this build has and this machine can run, best first: "avx512", "avx2", "sse4" or "neon".
std::vector<std::string> attainable_isas();

// "" = $LIMBER_FORCE_ISA, else the best. Fails listing the attainable ones.
const Ops& find_ops(const std::string& isa = "");

}  // namespace limber
