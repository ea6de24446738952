// SPDX-License-Identifier: Apache-2.0
// Elementwise and pooling kernels of one ISA. An item is a line of a plane. Layer: kernels.
#pragma once
#include <limits>

#include "kernels/conv2d_tile.h"
#include "kernels/depthwise-inl.h"
#include "kernels/plain.h"
#include "kernels/simd.h"
#include "kernels/vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace limber::kernels {
namespace HWY_NAMESPACE {

template <typename Args>
int64_t line_items(const Args& args) {
  return planes_of(args.output.channels) * args.output.height;
}

struct Line {
  int64_t plane, y;
};

LIMBER_INLINE Line line_of(const Planes& output, int64_t item) {
  return {item / output.height, item % output.height};
}

LIMBER_INLINE float* line_data(const Planes& output, Line line) {
  return output.data + line.plane * output.plane_stride + line.y * output.row_stride;
}

// f(a's line, b's line or pixel, channel of the vector, offset within the line) -> value
template <Activation activation, typename F>
LIMBER_INLINE void elementwise_line(const ElementwiseArgs& args, Line line, F f) {
  const D d;
  const float* a = args.a.data + line.plane * args.a.plane_stride + line.y * args.a.row_stride;
  const float* b = args.b.data + line.plane * args.b.plane_stride + (args.b_is_pixel ? 0 : line.y * args.b.row_stride);
  float* out = line_data(args.output, line);
  for (int64_t x = 0; x < static_cast<int64_t>(args.output.width) * kLanes; x += kLanes) {
    LIMBER_UNROLL
    for (int v = 0; v < kLanes; v += kVectorLanes) {
      V value = activated<activation>(f(a, b, x + v, v));
      if constexpr (activation == Activation::kHardSigmoid) {
        value = without_padding(value, args.output.channels, line.plane * kLanes + v);
      }
      hn::Store(value, d, out + x + v);
    }
  }
}

template <typename F>
LIMBER_INLINE void elementwise(const ElementwiseArgs& args, int64_t begin, int64_t end, F f) {
  for (int64_t item = begin; item < end; ++item) {
    const Line line = line_of(args.output, item);
    switch (args.activation) {
      case Activation::kNone:
        elementwise_line<Activation::kNone>(args, line, f);
        break;
      case Activation::kRelu:
        elementwise_line<Activation::kRelu>(args, line, f);
        break;
      case Activation::kHardSwish:
        elementwise_line<Activation::kHardSwish>(args, line, f);
        break;
      case Activation::kHardSigmoid:
        elementwise_line<Activation::kHardSigmoid>(args, line, f);
        break;
      case Activation::kRelu6:
        elementwise_line<Activation::kRelu6>(args, line, f);
        break;
    }
  }
}

inline void add(const ElementwiseArgs& args, int64_t begin, int64_t end) {
  elementwise(args, begin, end, [](const float* a, const float* b, int64_t x, int) HWY_ATTR {
    const D d;
    return hn::Add(hn::Load(d, a + x), hn::Load(d, b + x));
  });
}

inline void multiply(const ElementwiseArgs& args, int64_t begin, int64_t end) {
  if (args.b_is_pixel) {
    elementwise(args, begin, end, [](const float* a, const float* b, int64_t x, int v) HWY_ATTR {
      const D d;
      return hn::Mul(hn::Load(d, a + x), hn::Load(d, b + v));
    });
  } else {
    elementwise(args, begin, end, [](const float* a, const float* b, int64_t x, int) HWY_ATTR {
      const D d;
      return hn::Mul(hn::Load(d, a + x), hn::Load(d, b + x));
    });
  }
}

inline void activate(const ElementwiseArgs& args, int64_t begin, int64_t end) {
  elementwise(args, begin, end, [](const float* a, const float*, int64_t x, int) HWY_ATTR {
    const D d;
    return hn::Load(d, a + x);
  });
}

// One output pixel over taps [y0, y1) x [x0, x1) of the window that starts at `in`. kKernel > 0: the whole window,
// unrolled.
template <bool kMax, int kKernel>
LIMBER_INLINE void pool_pixel(const PoolArgs& args, const float* in, int y0, int y1, int x0, int x1, V reciprocal,
                              float* out) {
  const D d;
  LIMBER_UNROLL
  for (int v = 0; v < kLanes; v += kVectorLanes) {
    V value = kMax ? hn::Set(d, -std::numeric_limits<float>::infinity()) : hn::Zero(d);
    auto take = [&](int ky, int kx) HWY_ATTR {
      const V x = hn::Load(d, in + ky * args.input.row_stride + kx * kLanes + v);
      value = kMax ? hn::Max(value, x) : hn::Add(value, x);
    };
    if constexpr (kKernel > 0) {
      LIMBER_UNROLL
      for (int ky = 0; ky < kKernel; ++ky) {
        LIMBER_UNROLL
        for (int kx = 0; kx < kKernel; ++kx) take(ky, kx);
      }
    } else {
      for (int ky = y0; ky < y1; ++ky) {
        for (int kx = x0; kx < x1; ++kx) take(ky, kx);
      }
    }
    hn::Store(kMax ? value : hn::Mul(value, reciprocal), d, out + v);
  }
}

template <bool kMax>
inline void pool(const PoolArgs& args, int64_t begin, int64_t end) {
  const D d;
  const float whole = 1.0f / static_cast<float>(args.kernel * args.kernel);
  for (int64_t item = begin; item < end; ++item) {
    const Line line = line_of(args.output, item);
    const int iy = static_cast<int>(line.y) * args.stride - args.padding;
    const int y0 = std::max(0, -iy), y1 = std::min(args.kernel, args.input_height - iy);
    const float* in = args.input.data + line.plane * args.input.plane_stride + iy * args.input.row_stride;
    float* out = line_data(args.output, line);
    for (int x = 0; x < args.output.width; ++x, out += kLanes) {
      const int ix = x * args.stride - args.padding;
      const int x0 = std::max(0, -ix), x1 = std::min(args.kernel, args.input_width - ix);
      const float* window = in + ix * kLanes;
      if (x0 == 0 && x1 == args.kernel && y0 == 0 && y1 == args.kernel && args.kernel <= 3 && args.kernel >= 2) {
        if (args.kernel == 2) {
          pool_pixel<kMax, 2>(args, window, 0, 2, 0, 2, hn::Set(d, whole), out);
        } else {
          pool_pixel<kMax, 3>(args, window, 0, 3, 0, 3, hn::Set(d, whole), out);
        }
      } else {
        const float share = args.count_padding ? whole : 1.0f / static_cast<float>((y1 - y0) * (x1 - x0));
        pool_pixel<kMax, 0>(args, window, y0, y1, x0, x1, hn::Set(d, share), out);
      }
    }
  }
}

inline void global_average_pool(const PoolArgs& args, int64_t begin, int64_t end) {
  const D d;
  const V reciprocal = hn::Set(d, 1.0f / static_cast<float>(args.input_height * args.input_width));
  for (int64_t plane = begin; plane < end; ++plane) {
    const float* in = args.input.data + plane * args.input.plane_stride;
    V sum[kVectors];
    LIMBER_UNROLL
    for (int v = 0; v < kVectors; ++v) sum[v] = hn::Zero(d);
    for (int y = 0; y < args.input_height; ++y, in += args.input.row_stride) {
      for (int x = 0; x < args.input_width; ++x) {
        LIMBER_UNROLL
        for (int v = 0; v < kVectors; ++v) sum[v] = hn::Add(sum[v], hn::Load(d, in + x * kLanes + v * kVectorLanes));
      }
    }
    LIMBER_UNROLL
    for (int v = 0; v < kVectors; ++v) {
      hn::Store(hn::Mul(sum[v], reciprocal), d, args.output.data + plane * args.output.plane_stride + v * kVectorLanes);
    }
  }
}

// Twelve chains hide the latency and fit the sixteen registers of the older ISAs.
inline double multiply_adds(int64_t iterations) {
  constexpr int kChains = 12;
  const D d;
  V acc[kChains];
  LIMBER_UNROLL
  for (int i = 0; i < kChains; ++i) acc[i] = hn::Set(d, static_cast<float>(i));
  const V factor = hn::Set(d, 0.999f), term = hn::Set(d, 0.001f);
  for (int64_t n = 0; n < iterations; ++n) {
    LIMBER_UNROLL
    for (int i = 0; i < kChains; ++i) acc[i] = hn::MulAdd(acc[i], factor, term);
  }
  LIMBER_UNROLL
  for (int i = 1; i < kChains; ++i) acc[0] = hn::Add(acc[0], acc[i]);
  // The sum is positive whatever the number of iterations, which the compiler cannot know.
  const double used = hn::GetLane(acc[0]) > -1.0f ? 2.0 : 0.0;
  return static_cast<double>(iterations) * kChains * kVectorLanes * used;
}

inline void set_simd_kernels(KernelTable& table) {
  table.depthwise = {depthwise_items, depthwise};
  table.add = {line_items<ElementwiseArgs>, add};
  table.multiply = {line_items<ElementwiseArgs>, multiply};
  table.activate = {line_items<ElementwiseArgs>, activate};
  table.max_pool = {line_items<PoolArgs>, pool<true>};
  table.average_pool = {line_items<PoolArgs>, pool<false>};
  table.global_average_pool = {line_items<PoolArgs>, global_average_pool};
  table.multiply_adds = multiply_adds;
  set_plain_kernels(table);
}

}  // namespace HWY_NAMESPACE
}  // namespace limber::kernels
HWY_AFTER_NAMESPACE();

// The table of one ISA. ADD_TILES fills `tiles`.
#define LIMBER_KERNEL_TABLE(FUNCTION, ISA, ADD_TILES)            \
  namespace {                                                    \
  const ConvTiles& conv_tiles() {                                \
    static const ConvTiles tiles_of_isa = [] {                   \
      ConvTiles tiles;                                           \
      ADD_TILES;                                                 \
      return tiles;                                              \
    }();                                                         \
    return tiles_of_isa;                                         \
  }                                                              \
  int64_t items(const Conv2dArgs& args) {                        \
    return conv2d_items(conv_tiles(), args);                     \
  }                                                              \
  void run(const Conv2dArgs& args, int64_t begin, int64_t end) { \
    conv2d_run(conv_tiles(), args, begin, end);                  \
  }                                                              \
  }                                                              \
  const KernelTable& FUNCTION() {                                \
    static const KernelTable table_of_isa = [] {                 \
      KernelTable table;                                         \
      table.isa = ISA;                                           \
      HWY_NAMESPACE::set_simd_kernels(table);                    \
      table.conv2d = {items, run};                               \
      table.half_weights = conv_tiles().half_weights[1][1];      \
      return table;                                              \
    }();                                                         \
    return table_of_isa;                                         \
  }
