// SPDX-License-Identifier: Apache-2.0
// Elastic kernels: argument structs and the table of functions for one instruction set. Layer: kernels.
//
// Layout (nChw16c): a tensor is planes of 16 channels, [plane][row][column][16] floats; channel c of pixel (y, x) is
//   data[(c / 16) * plane_stride + y * row_stride + x * 16 + c % 16].
// `data` points at pixel (0, 0) of plane 0; a halo of zero pixels may lie around it (row_stride, plane_stride span it).
// All pointers to planes, weights, scale and bias are 64-byte aligned, all strides multiples of 16 floats.
//
// Invariants, after every kernel:
// - padding lanes (channels .. next multiple of 16) of the last plane hold exactly 0;
// - kernels write pixels only, never the halo. Whoever produces a tensor zeroes its halo (zero_halo, perimeter only),
// since
//   arena memory is reused between tensors.
//
// Numbers: each output element is one chain of multiply-adds in a fixed order: ranges as listed, then taps (row by
// row), then channels. It depends on nothing else: not on the other outputs of the call, the tile shape, the split into
// items, nor the strides. So a call with fewer outputs or a prefix of the ranges gives the same bits for what it shares
// with a larger one, on each ISA; across ISAs results differ by rounding.
//
// Work: every kernel cuts a call into items(args) independent items; run(args, begin, end) does items begin..end-1. Any
// split over threads gives the same bits. Thread-safe: no kernel has state, allocates, throws or checks its arguments
// (plans are checked when they are built).
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>

#include "kernels/isa.h"

namespace limber::kernels {

inline constexpr int kLanes = 16;  // channels of a plane, whatever the ISA's vector width

// Images of up to four channels may be narrow: a pixel takes 4 floats, not 16, and a line (width + halo) * 4. There is
// one plane, and no alignment. Only dense convolutions read them.
inline constexpr int kNarrowLanes = 4;

constexpr int64_t planes_of(int64_t channels) {
  return (channels + kLanes - 1) / kLanes;
}

enum class Activation { kNone, kRelu, kHardSwish, kHardSigmoid, kRelu6 };

// What a kernel writes.
struct Planes {
  float* data = nullptr;
  int64_t plane_stride = 0;  // floats
  int64_t row_stride = 0;    // floats; a pixel takes 16
  int height = 0, width = 0, channels = 0;
};

// What a kernel reads; its extents follow from the output.
struct ConstPlanes {
  const float* data = nullptr;
  int64_t plane_stride = 0, row_stride = 0;
};

inline ConstPlanes read(const Planes& planes) {
  return {planes.data, planes.plane_stride, planes.row_stride};
}

// One range of a convolution's input channels. `data` may point at a lane other than 0 if the range ends in the same
// plane; a producer's slice that starts inside a plane is cut into ranges at the plane boundaries (the chain stays the
// same).
struct ConvRange {
  ConstPlanes input;  // the range's first plane
  int channels = 0;
  int64_t weight_offset = 0;  // first K row of the range within each tap of a panel: floats / 16
};

// Weights that a later call will read: `rows` runs of `row_bytes` bytes, row_stride bytes apart. While a call computes
// it asks the L2 cache for them: a network's weights may be more than that holds, and the arithmetic hides the wait.
struct Upcoming {
  const std::byte* data = nullptr;  // null: nothing
  int64_t rows = 0, row_bytes = 0, row_stride = 0;
};

// Packed weights of a convolution: fp32, or the same values in IEEE half precision where they are stored so. These are
// widened exactly on the way into a register: the same numbers from half the memory traffic. Meant for layers of one
// pixel, which use each weight once; with more pixels the widening costs more than it saves.
class PackedPanels {
 public:
  PackedPanels() = default;
  PackedPanels(const float* fp32) : fp32_(fp32) {}  // implicit: a plain pointer serves
  PackedPanels(const uint16_t* f16) : f16_(f16) {}
  bool half() const { return f16_ != nullptr; }
  int64_t value_bytes() const { return half() ? 2 : 4; }
  const float* fp32() const { return fp32_; }
  const uint16_t* f16() const { return f16_; }
  const std::byte* at(int64_t value) const {
    return half() ? reinterpret_cast<const std::byte*>(f16_ + value)
                  : reinterpret_cast<const std::byte*>(fp32_ + value);
  }

 private:
  const float* fp32_ = nullptr;
  const uint16_t* f16_ = nullptr;
};

// Dense convolution over the ranges (grouped: one call per group; linear: kernel 1x1, rows = height, width 1).
//   sum(n, y, x) = start + sum over ranges, taps, channels of input(y * stride + ky - padding, x * stride + kx -
//   padding, k) * weight(n, tap, k);  output = activation(sum * scale[n] + bias[n] + residual).
// The input's halo must cover every pixel read. Packed weights: see pack.h; weights points at the panel of output
// channel 0 of this call, so channels_from of a slice must be a declared boundary.
struct Conv2dArgs {
  std::span<const ConvRange> ranges;  // empty: nothing is added to start (finishes kept partial sums)
  Planes output;
  int input_lanes = kLanes;  // kNarrowLanes: the inputs are narrow; stride 1 or 2
  int kernel_height = 1, kernel_width = 1, stride = 1, padding = 0;
  PackedPanels weights;          // half precision: with KernelTable::half_weights, stride 1, inputs not narrow
  int64_t panel_stride = 0;      // values from one panel of 16 outputs to the next: taps * K_super * 16
  int64_t tap_stride = 0;        // values from one tap to the next: K_super * 16
  const float* scale = nullptr;  // [planes_of(channels) * 16], 0 in padding lanes. Unused when !finish
  const float* bias = nullptr;   // the same
  Activation activation = Activation::kNone;
  ConstPlanes residual;  // data null: none
  ConstPlanes start;     // fp32 partial sums to continue, data null: from 0. May be the output itself
  bool finish = true;    // false: leave the partial sums in output, no epilogue
  Upcoming upcoming;     // a hint, changes no number
};

// Depthwise: output channel c reads input channel c. weights [planes][taps][16] (pack_depthwise). One chain, taps row
// by row. With input_height, lines outside the input count as zeros and are not read: only the columns of the halo are.
// mean: the mean of each
// output channel over all pixels, as global_average_pool sums it.
struct DepthwiseArgs {
  ConstPlanes input;
  Planes output;
  int kernel_height = 1, kernel_width = 1, stride = 1, padding = 0;
  const float* weights = nullptr;
  const float* scale = nullptr;
  const float* bias = nullptr;
  Activation activation = Activation::kNone;
  int input_height = 0;
  float* mean = nullptr;  // [planes][16]
};

// add: activation(a + b). multiply: activation(a * b), b may be one pixel for all (squeeze-excite). activate, copy: a
// alone. output may be a or b.
struct ElementwiseArgs {
  ConstPlanes a, b;
  bool b_is_pixel = false;  // multiply only: b is 1x1 pixels
  Planes output;
  Activation activation = Activation::kNone;
};

// Max and average pool read only pixels inside the input (its extents are needed), so the halo's content does not
// matter. Average: sum row by row, times 1 / count; count is of the pixels inside, or kernel * kernel with
// count_padding. Global average: kernel and stride are ignored, output 1x1.
struct PoolArgs {
  ConstPlanes input;
  int input_height = 0, input_width = 0;
  Planes output;
  int kernel = 1, stride = 1, padding = 0;
  bool count_padding = false;
};

// Softmax over the channels of each pixel, the largest subtracted first, summed in channel order.
struct SoftmaxArgs {
  ConstPlanes input;
  Planes output;  // may be the input
};

// Per head h and query row i: softmax_j(q_i . k_j / sqrt(d)) v_j with d = channels / heads and d a multiple of 16 or
// heads = 1. Rows are pixels of width 1: queries and output height rows, keys and values key_rows rows (the cache, not
// copied).
struct AttentionArgs {
  ConstPlanes queries, keys, values;
  Planes output;  // height = query rows, width = 1
  int heads = 1;
  int key_rows = 1;
  bool causal = false;       // query i sees keys 0 .. key_rows - height + i
  float* scratch = nullptr;  // heads * height * key_rows floats
};

// Bytes to planes: output = table[channel][byte], see preprocessing_table. pixels [height][width][channels].
struct BytesArgs {
  const uint8_t* pixels = nullptr;
  const float* table = nullptr;  // [channels][256]
  Planes output;
  int lanes = kLanes;  // kNarrowLanes: the output is narrow
};

// Floats [channels][height][width] (or the reverse, from planes) to planes.
struct FloatsArgs {
  const float* values = nullptr;
  Planes output;
  int lanes = kLanes;
};

template <typename Args>
struct Kernel {
  int64_t (*items)(const Args&) = nullptr;
  void (*run)(const Args&, int64_t begin, int64_t end) = nullptr;

  void operator()(const Args& args) const { run(args, 0, items(args)); }
};

// The kernels of one ISA. Constant after construction.
struct KernelTable {
  Isa isa = Isa::kReference;
  bool half_weights = false;  // conv2d takes weights in half precision
  Kernel<Conv2dArgs> conv2d;
  Kernel<DepthwiseArgs> depthwise;
  Kernel<ElementwiseArgs> add, multiply, activate, copy;
  Kernel<PoolArgs> max_pool, average_pool, global_average_pool;
  Kernel<SoftmaxArgs> softmax;
  Kernel<AttentionArgs> attention;
  Kernel<BytesArgs> from_bytes;
  Kernel<FloatsArgs> from_floats;
  // Does multiply-adds on registers alone and returns how many float operations these were: what peak.h measures.
  double (*multiply_adds)(int64_t iterations) = nullptr;
};

// The table of an attainable ISA; fails on one that is not. Cost: a load.
const KernelTable& kernels(Isa isa);

}  // namespace limber::kernels
