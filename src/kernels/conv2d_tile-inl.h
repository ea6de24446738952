// SPDX-License-Identifier: Apache-2.0
// The convolution's micro-kernel. Every loop over accumulators is unrolled by pragma: GCC spills the array otherwise.
// Layer: kernels.
#pragma once
#include "kernels/conv2d_tile.h"
#include "kernels/vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace limber::kernels {
namespace HWY_NAMESPACE {

using DHalf = hn::Half<D>;
using VHalf = hn::Vec<DHalf>;

using Half = hn::Rebind<hwy::float16_t, D>;

LIMBER_INLINE V load_weights(const float* w) {
  return hn::Load(D(), w);
}
LIMBER_INLINE V load_weights(const uint16_t* w) {
  return hn::PromoteTo(D(), hn::Load(Half(), reinterpret_cast<const hwy::float16_t*>(w)));
}

template <typename Weight>
LIMBER_INLINE const Weight* panels(const PackedPanels& weights) {
  if constexpr (sizeof(Weight) == sizeof(float)) return weights.fp32();
  if constexpr (sizeof(Weight) == sizeof(uint16_t)) return weights.f16();
}

// acc += a[i * kStep] * w for one channel. kHalf: of the last column only the first half of the lanes, in `half`.
template <int kRows, int kColumns, int kStep, bool kHalf, typename Weight>
LIMBER_INLINE void multiply_add(const float* HWY_RESTRICT a, const Weight* HWY_RESTRICT w, int64_t panel_stride,
                                V (&acc)[kRows][kColumns], VHalf (&half)[kHalf ? kRows : 1]) {
  const D d;
  const DHalf dh;
  constexpr int kWhole = kColumns - kHalf;
  V b[kColumns];
  VHalf last = hn::Zero(dh);
  LIMBER_UNROLL
  for (int j = 0; j < kWhole; ++j) {
    b[j] = load_weights(w + (j / kVectors) * panel_stride + (j % kVectors) * kVectorLanes);
  }
  if constexpr (kHalf) last = hn::Load(dh, w + kWhole * panel_stride);
  LIMBER_UNROLL
  for (int i = 0; i < kRows; ++i) {
    const V x = hn::Set(d, a[i * kStep]);
    LIMBER_UNROLL
    for (int j = 0; j < kWhole; ++j) acc[i][j] = hn::MulAdd(x, b[j], acc[i][j]);
    if constexpr (kHalf) half[i] = hn::MulAdd(hn::LowerHalf(dh, x), last, half[i]);
  }
}

template <Activation activation, int kRows, int kColumns>
LIMBER_INLINE void store(const Conv2dArgs& args, int64_t panel, float* out, V (&acc)[kRows][kColumns]) {
  const D d;
  LIMBER_UNROLL
  for (int j = 0; j < kColumns; ++j) {
    LIMBER_UNROLL
    for (int i = 0; i < kRows; ++i) {
      V v = activated<activation>(acc[i][j]);
      if constexpr (activation == Activation::kHardSigmoid) {
        v = without_padding(v, args.output.channels, panel * kLanes + j * kVectorLanes);
      }
      hn::Store(v, d, out + (j / kVectors) * args.output.plane_stride + (j % kVectors) * kVectorLanes + i * kLanes);
    }
  }
}

// kStep: floats between the input pixels of neighbouring outputs. kHalf: the last panel has outputs in the first half
// of its lanes only.
template <int kRows, int kPanels, int kStep, bool kHalf = false, typename Weight = float>
void conv_tile(const Conv2dArgs& args, int64_t panel, int64_t y, int64_t x, Fetcher& fetcher) {
  constexpr int kColumns = kPanels * kVectors;
  static_assert(!kHalf || (kVectors == 1 && sizeof(Weight) == sizeof(float)));
  const D d;
  V acc[kRows][kColumns];
  VHalf half[kHalf ? kRows : 1];
  if (args.start.data) {
    const float* from = args.start.data + panel * args.start.plane_stride + y * args.start.row_stride + x * kLanes;
    LIMBER_UNROLL
    for (int i = 0; i < kRows; ++i) {
      LIMBER_UNROLL
      for (int j = 0; j < kColumns; ++j) {
        acc[i][j] =
            hn::Load(d, from + (j / kVectors) * args.start.plane_stride + (j % kVectors) * kVectorLanes + i * kLanes);
      }
    }
  } else {
    LIMBER_UNROLL
    for (int i = 0; i < kRows; ++i) {
      LIMBER_UNROLL
      for (int j = 0; j < kColumns; ++j) acc[i][j] = hn::Zero(d);
    }
  }

  if constexpr (kHalf) {
    LIMBER_UNROLL
    for (int i = 0; i < kRows; ++i) half[i] = hn::LowerHalf(DHalf(), acc[i][kColumns - 1]);
  }

  const int64_t panel_stride = args.panel_stride;
  for (const ConvRange& range : args.ranges) {
    const float* pixel = range.input.data + (y * args.stride - args.padding) * range.input.row_stride +
                         (x * args.stride - args.padding) * args.input_lanes;
    const Weight* tap = panels<Weight>(args.weights) + panel * panel_stride + range.weight_offset * kLanes;
    const int64_t plane_stride = range.input.plane_stride;
    const int channels = range.channels;
    for (int ky = 0; ky < args.kernel_height; ++ky, pixel += range.input.row_stride) {
      for (int kx = 0; kx < args.kernel_width; ++kx, tap += args.tap_stride) {
        const float* a = pixel + kx * args.input_lanes;
        const Weight* w = tap;
        int k = channels;
        for (; k >= kLanes; k -= kLanes, a += plane_stride) {
          fetcher.some();
          for (int quarter = 0; quarter < kLanes; quarter += 4, w += 4 * kLanes) {
            multiply_add<kRows, kColumns, kStep, kHalf>(a + quarter, w, panel_stride, acc, half);
            multiply_add<kRows, kColumns, kStep, kHalf>(a + quarter + 1, w + kLanes, panel_stride, acc, half);
            multiply_add<kRows, kColumns, kStep, kHalf>(a + quarter + 2, w + 2 * kLanes, panel_stride, acc, half);
            multiply_add<kRows, kColumns, kStep, kHalf>(a + quarter + 3, w + 3 * kLanes, panel_stride, acc, half);
          }
        }
        if (k > 0) fetcher.some();
        if constexpr (kStep % kLanes != 0) {
          if (k == 3) {  // an image's colours
            multiply_add<kRows, kColumns, kStep, kHalf>(a, w, panel_stride, acc, half);
            multiply_add<kRows, kColumns, kStep, kHalf>(a + 1, w + kLanes, panel_stride, acc, half);
            multiply_add<kRows, kColumns, kStep, kHalf>(a + 2, w + 2 * kLanes, panel_stride, acc, half);
            continue;
          }
        }
        for (int rest = 0; rest < k; ++rest, w += kLanes) {
          multiply_add<kRows, kColumns, kStep, kHalf>(a + rest, w, panel_stride, acc, half);
        }
      }
    }
  }

  if constexpr (kHalf) {
    LIMBER_UNROLL
    for (int i = 0; i < kRows; ++i) acc[i][kColumns - 1] = hn::ZeroExtendVector(d, half[i]);
  }
  float* out = args.output.data + panel * args.output.plane_stride + y * args.output.row_stride + x * kLanes;
  if (!args.finish) {
    store<Activation::kNone>(args, panel, out, acc);
    return;
  }
  LIMBER_UNROLL
  for (int j = 0; j < kColumns; ++j) {
    const V scale = hn::Load(d, args.scale + panel * kLanes + j * kVectorLanes);
    const V bias = hn::Load(d, args.bias + panel * kLanes + j * kVectorLanes);
    LIMBER_UNROLL
    for (int i = 0; i < kRows; ++i) acc[i][j] = hn::MulAdd(acc[i][j], scale, bias);
  }
  if (args.residual.data) {
    const float* from =
        args.residual.data + panel * args.residual.plane_stride + y * args.residual.row_stride + x * kLanes;
    LIMBER_UNROLL
    for (int j = 0; j < kColumns; ++j) {
      LIMBER_UNROLL
      for (int i = 0; i < kRows; ++i) {
        acc[i][j] = hn::Add(acc[i][j], hn::Load(d, from + (j / kVectors) * args.residual.plane_stride +
                                                       (j % kVectors) * kVectorLanes + i * kLanes));
      }
    }
  }
  switch (args.activation) {
    case Activation::kNone:
      store<Activation::kNone>(args, panel, out, acc);
      break;
    case Activation::kRelu:
      store<Activation::kRelu>(args, panel, out, acc);
      break;
    case Activation::kHardSwish:
      store<Activation::kHardSwish>(args, panel, out, acc);
      break;
    case Activation::kHardSigmoid:
      store<Activation::kHardSigmoid>(args, panel, out, acc);
      break;
    case Activation::kRelu6:
      store<Activation::kRelu6>(args, panel, out, acc);
      break;
  }
}

// Tiles of kRows, kRows - 1, ... 1 rows.
template <int kRows, int kPanels, int kStride>
void add_tiles(ConvTiles& tiles) {
  tiles.tile[kStride - 1][kPanels][kRows] = conv_tile<kRows, kPanels, kStride * kLanes>;
  if constexpr (kRows > 1) add_tiles<kRows - 1, kPanels, kStride>(tiles);
}

// The same with half a panel at the end, for stride 1.
template <int kRows, int kPanels>
void add_half_tiles(ConvTiles& tiles) {
  tiles.half[kPanels][kRows] = conv_tile<kRows, kPanels, kLanes, true>;
  if constexpr (kRows > 1) add_half_tiles<kRows - 1, kPanels>(tiles);
}

// Tiles of one row with weights in half precision, of kPanels, kPanels - 1, ... 1 panels.
template <int kPanels>
void add_half_weight_tiles(ConvTiles& tiles) {
  tiles.half_weights[kPanels][1] = conv_tile<1, kPanels, kLanes, false, uint16_t>;
  if constexpr (kPanels > 1) add_half_weight_tiles<kPanels - 1>(tiles);
}

// The same for narrow inputs.
template <int kRows, int kPanels, int kStride>
void add_narrow_tiles(ConvTiles& tiles) {
  tiles.tile[kStride + 1][kPanels][kRows] = conv_tile<kRows, kPanels, kStride * kNarrowLanes>;
  if constexpr (kRows > 1) add_narrow_tiles<kRows - 1, kPanels, kStride>(tiles);
}

}  // namespace HWY_NAMESPACE
}  // namespace limber::kernels
HWY_AFTER_NAMESPACE();
