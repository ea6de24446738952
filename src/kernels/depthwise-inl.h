// SPDX-License-Identifier: Apache-2.0
// Depthwise convolutions of one ISA. A tile is some neighbouring outputs of a line; each input vector is loaded once
// and added to all outputs that read it, so the multiply-adds wait for no load. Layer: kernels.
#pragma once
#include "kernels/vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace limber::kernels {
namespace HWY_NAMESPACE {

// Outputs of the largest tile: with the weights of a line of taps they fill the registers.
inline constexpr int kDepthwisePixels = HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_NEON ? 14 : 8;

// The input lines that an output line reads, and the taps that belong to them. Lines outside the image are left out.
struct DepthwiseLines {
  const float* first = nullptr;  // at the input pixel of the output's pixel 0
  int64_t stride = 0;
  int count = 0;
  const float* weights = nullptr;
};

// Without it GCC loads a vector again for each of its uses, and then the loads set the pace.
LIMBER_INLINE V in_register(V x) {
#if HWY_TARGET == HWY_AVX3
  __asm__("" : "+v"(x.raw));
#endif
  return x;
}

// acc[i] += the taps of pixel i: line by line, left to right. kKernel, kStride 0: args say.
template <int kPixels, int kKernel, int kStride>
LIMBER_INLINE void depthwise_sums(const DepthwiseArgs& args, const DepthwiseLines& lines, int64_t at,
                                  V (&acc)[kPixels]) {
  const D d;
  LIMBER_UNROLL
  for (int i = 0; i < kPixels; ++i) acc[i] = hn::Zero(d);
  const float* in = lines.first + at;
  const float* w = lines.weights;
  for (int n = 0; n < lines.count; ++n) {
    if constexpr (kKernel > 0) {
      V b[kKernel];
      LIMBER_UNROLL
      for (int q = 0; q < kKernel; ++q) b[q] = hn::Load(d, w + q * kLanes);
      LIMBER_UNROLL
      for (int column = 0; column < (kPixels - 1) * kStride + kKernel; ++column) {
        const V x = in_register(hn::Load(d, in + column * kLanes));
        LIMBER_UNROLL
        for (int q = 0; q < kKernel; ++q) {
          const int i = (column - q) / kStride;
          if (column >= q && (column - q) % kStride == 0 && i < kPixels) acc[i] = hn::MulAdd(x, b[q], acc[i]);
        }
      }
      w += kKernel * kLanes;
    } else {
      for (int q = 0; q < args.kernel_width; ++q, w += kLanes) {
        const V b = hn::Load(d, w);
        LIMBER_UNROLL
        for (int i = 0; i < kPixels; ++i) {
          acc[i] = hn::MulAdd(hn::Load(d, in + (i * args.stride + q) * kLanes), b, acc[i]);
        }
      }
    }
    in += lines.stride;
  }
}

template <Activation activation, int kPixels>
LIMBER_INLINE void depthwise_finish(const DepthwiseArgs& args, int64_t channel, float* out, V (&acc)[kPixels]) {
  const D d;
  const V scale = hn::Load(d, args.scale + channel), bias = hn::Load(d, args.bias + channel);
  LIMBER_UNROLL
  for (int i = 0; i < kPixels; ++i) {
    acc[i] = activated<activation>(hn::MulAdd(acc[i], scale, bias));
    if constexpr (activation == Activation::kHardSigmoid) {
      acc[i] = without_padding(acc[i], args.output.channels, channel);
    }
    hn::Store(acc[i], d, out + i * kLanes);
  }
}

// One tile at output pixel x; what it stores is added to *total, if that is asked for, pixel by pixel.
template <int kPixels, int kKernel, int kStride>
void depthwise_tile(const DepthwiseArgs& args, const DepthwiseLines& lines, int64_t channel, int64_t x, float* out,
                    float* total) {
  const D d;
  const int64_t step = static_cast<int64_t>(kStride > 0 ? kStride : args.stride) * kLanes;
  V acc[kPixels];
  depthwise_sums<kPixels, kKernel, kStride>(args, lines, x * step, acc);
  out += x * kLanes;
  switch (args.activation) {
    case Activation::kNone:
      depthwise_finish<Activation::kNone>(args, channel, out, acc);
      break;
    case Activation::kRelu:
      depthwise_finish<Activation::kRelu>(args, channel, out, acc);
      break;
    case Activation::kHardSwish:
      depthwise_finish<Activation::kHardSwish>(args, channel, out, acc);
      break;
    case Activation::kHardSigmoid:
      depthwise_finish<Activation::kHardSigmoid>(args, channel, out, acc);
      break;
    case Activation::kRelu6:
      depthwise_finish<Activation::kRelu6>(args, channel, out, acc);
      break;
  }
  if (total == nullptr) return;
  V sum = hn::Load(d, total);
  LIMBER_UNROLL
  for (int i = 0; i < kPixels; ++i) sum = hn::Add(sum, acc[i]);
  hn::Store(sum, d, total);
}

using DepthwiseTile = void (*)(const DepthwiseArgs&, const DepthwiseLines&, int64_t, int64_t, float*, float*);

// The tiles of one kernel and stride, by their number of outputs; most: of the largest.
struct DepthwiseTiles {
  DepthwiseTile tile[kDepthwisePixels + 1] = {};
  int most = 8;
};

template <int kPixels, int kKernel, int kStride>
constexpr void add_depthwise_tiles(DepthwiseTiles& tiles) {
  tiles.tile[kPixels] = depthwise_tile<kPixels, kKernel, kStride>;
  if constexpr (kPixels > 1) add_depthwise_tiles<kPixels - 1, kKernel, kStride>(tiles);
}

template <int kKernel, int kStride>
const DepthwiseTiles& depthwise_tiles() {
  static const DepthwiseTiles tiles_of_kernel = [] {
    DepthwiseTiles tiles;
    add_depthwise_tiles<8, kKernel, kStride>(tiles);
    tiles.tile[kDepthwisePixels] = depthwise_tile<kDepthwisePixels, kKernel, kStride>;
    return tiles;
  }();
  return tiles_of_kernel;
}

inline const DepthwiseTiles& depthwise_tiles(const DepthwiseArgs& args) {
  if (args.stride == 1) {
    if (args.kernel_width == 3) return depthwise_tiles<3, 1>();
    if (args.kernel_width == 5) return depthwise_tiles<5, 1>();
    if (args.kernel_width == 7) return depthwise_tiles<7, 1>();
  } else if (args.stride == 2) {
    if (args.kernel_width == 3) return depthwise_tiles<3, 2>();
    if (args.kernel_width == 5) return depthwise_tiles<5, 2>();
    if (args.kernel_width == 7) return depthwise_tiles<7, 2>();
  }
  return depthwise_tiles<0, 0>();
}

// Output lines [begin, end) of a plane; its mean, if asked for, continues from line to line.
inline void depthwise_lines(const DepthwiseArgs& args, int64_t plane, int64_t begin, int64_t end) {
  const D d;
  const DepthwiseTiles& tiles = depthwise_tiles(args);
  const int64_t width = args.output.width;
  const int64_t most = width % kDepthwisePixels == 0 ? kDepthwisePixels : tiles.most;
  const int64_t count = (width + most - 1) / most, larger = width % count;  // tiles as even as can be
  const int rows = static_cast<int>(width / count);
  DepthwiseLines lines;
  lines.stride = args.input.row_stride;
  const float* const input = args.input.data + plane * args.input.plane_stride - args.padding * kLanes;
  float* const total = args.mean == nullptr ? nullptr : args.mean + plane * kLanes;
  if (total != nullptr && begin == 0) std::fill_n(total, kLanes, 0.0f);
  for (int64_t y = begin; y < end; ++y) {
    const int64_t top = y * args.stride - args.padding;
    const int64_t skipped = args.input_height > 0 ? std::max<int64_t>(0, -top) : 0;
    const int64_t bottom =
        args.input_height > 0 ? std::min<int64_t>(args.kernel_height, args.input_height - top) : args.kernel_height;
    lines.count = static_cast<int>(bottom - skipped);
    const int64_t first = top + skipped;
    float* const out = args.output.data + plane * args.output.plane_stride + y * args.output.row_stride;
    for (int v = 0; v < kLanes; v += kVectorLanes) {
      lines.first = input + first * lines.stride + v;
      lines.weights = args.weights + (plane * args.kernel_height + skipped) * args.kernel_width * kLanes + v;
      for (int64_t tile = 0, x = 0; tile < count; ++tile) {
        const int pixels = rows + (tile < larger);
        tiles.tile[pixels](args, lines, plane * kLanes + v, x, out + v, total == nullptr ? nullptr : total + v);
        x += pixels;
      }
    }
  }
  if (total == nullptr || end < args.output.height) return;
  const V share = hn::Set(d, 1.0f / static_cast<float>(args.output.height * args.output.width));
  for (int v = 0; v < kLanes; v += kVectorLanes) hn::Store(hn::Mul(hn::Load(d, total + v), share), d, total + v);
}

// An item is a line of a plane, or a whole plane if its mean is asked for, whose sum has an order.
inline int64_t depthwise_items(const DepthwiseArgs& args) {
  return planes_of(args.output.channels) * (args.mean == nullptr ? args.output.height : 1);
}

inline void depthwise(const DepthwiseArgs& args, int64_t begin, int64_t end) {
  const int64_t height = args.output.height;
  for (int64_t item = begin; item < end; ++item) {
    if (args.mean != nullptr) {
      depthwise_lines(args, item, 0, height);
    } else {
      depthwise_lines(args, item / height, item % height, item % height + 1);
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace limber::kernels
HWY_AFTER_NAMESPACE();
