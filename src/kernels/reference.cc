// SPDX-License-Identifier: Apache-2.0
#include "kernels/reference.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/half.h"
#include "kernels/plain.h"

namespace limber::kernels {
namespace {

float activate(float x, Activation activation) {
  switch (activation) {
    case Activation::kNone:
      return x;
    case Activation::kRelu:
      return x > 0.0f ? x : 0.0f;
    case Activation::kHardSwish:
      return x * std::clamp(x * (1.0f / 6.0f) + 0.5f, 0.0f, 1.0f);
    case Activation::kHardSigmoid:
      return std::clamp(x * (1.0f / 6.0f) + 0.5f, 0.0f, 1.0f);
    case Activation::kRelu6:
      return std::clamp(x, 0.0f, 6.0f);
  }
  return x;
}

float at(const ConstPlanes& planes, int channel, int y, int x) {
  return planes.data[(channel / kLanes) * planes.plane_stride + y * planes.row_stride + x * kLanes + channel % kLanes];
}

// Calls f(channel, y, x) -> value for every pixel of items (plane, row) begin..end-1, and stores 0 in the padding
// lanes.
template <typename F>
void fill(const Planes& output, int64_t begin, int64_t end, F f) {
  for (int64_t item = begin; item < end; ++item) {
    const int plane = static_cast<int>(item / output.height), y = static_cast<int>(item % output.height);
    float* row = output.data + plane * output.plane_stride + y * output.row_stride;
    for (int x = 0; x < output.width; ++x) {
      for (int lane = 0; lane < kLanes; ++lane) {
        const int channel = plane * kLanes + lane;
        row[x * kLanes + lane] = channel < output.channels ? f(channel, y, x) : 0.0f;
      }
    }
  }
}

template <typename Args>
int64_t rows(const Args& args) {
  return planes_of(args.output.channels) * args.output.height;
}

void conv2d(const Conv2dArgs& args, int64_t begin, int64_t end) {
  fill(args.output, begin, end, [&](int channel, int y, int x) {
    float sum = args.start.data ? at(args.start, channel, y, x) : 0.0f;
    const int64_t panel = (channel / kLanes) * args.panel_stride + channel % kLanes;
    for (const ConvRange& range : args.ranges) {
      for (int ky = 0; ky < args.kernel_height; ++ky) {
        for (int kx = 0; kx < args.kernel_width; ++kx) {
          const int64_t tap = panel + (ky * args.kernel_width + kx) * args.tap_stride + range.weight_offset * kLanes;
          const int iy = y * args.stride + ky - args.padding, ix = x * args.stride + kx - args.padding;
          for (int k = 0; k < range.channels; ++k) {
            const float input = args.input_lanes == kLanes
                                    ? at(range.input, k, iy, ix)
                                    : range.input.data[iy * range.input.row_stride + ix * args.input_lanes + k];
            const int64_t i = tap + k * kLanes;
            sum += input * (args.weights.half() ? half_to_float(args.weights.f16()[i]) : args.weights.fp32()[i]);
          }
        }
      }
    }
    if (!args.finish) return sum;
    float value = sum * args.scale[channel] + args.bias[channel];
    if (args.residual.data) value += at(args.residual, channel, y, x);
    return activate(value, args.activation);
  });
}

void depthwise(const DepthwiseArgs& args, int64_t begin, int64_t end) {
  const int64_t taps = args.kernel_height * args.kernel_width;
  if (args.mean) {  // items are planes
    begin *= args.output.height;
    end *= args.output.height;
  }
  fill(args.output, begin, end, [&](int channel, int y, int x) {
    const float* tap = args.weights + (channel / kLanes) * taps * kLanes + channel % kLanes;
    float sum = 0.0f;
    for (int ky = 0; ky < args.kernel_height; ++ky) {
      const int iy = y * args.stride + ky - args.padding;
      const bool outside = args.input_height > 0 && (iy < 0 || iy >= args.input_height);
      for (int kx = 0; kx < args.kernel_width; ++kx, tap += kLanes) {
        if (!outside) sum += at(args.input, channel, iy, x * args.stride + kx - args.padding) * *tap;
      }
    }
    return activate(sum * args.scale[channel] + args.bias[channel], args.activation);
  });
  if (!args.mean) return;
  for (int64_t c = begin / args.output.height * kLanes; c < end / args.output.height * kLanes; ++c) {
    float sum = 0.0f;
    for (int y = 0; y < args.output.height; ++y) {
      for (int x = 0; x < args.output.width; ++x) sum += at(read(args.output), static_cast<int>(c), y, x);
    }
    args.mean[c] = sum * (1.0f / static_cast<float>(args.output.height * args.output.width));
  }
}

void add(const ElementwiseArgs& args, int64_t begin, int64_t end) {
  fill(args.output, begin, end, [&](int channel, int y, int x) {
    return activate(at(args.a, channel, y, x) + at(args.b, channel, y, x), args.activation);
  });
}

void multiply(const ElementwiseArgs& args, int64_t begin, int64_t end) {
  fill(args.output, begin, end, [&](int channel, int y, int x) {
    const float b = args.b_is_pixel ? at(args.b, channel, 0, 0) : at(args.b, channel, y, x);
    return activate(at(args.a, channel, y, x) * b, args.activation);
  });
}

void activate_all(const ElementwiseArgs& args, int64_t begin, int64_t end) {
  fill(args.output, begin, end,
       [&](int channel, int y, int x) { return activate(at(args.a, channel, y, x), args.activation); });
}

// Calls f(iy, ix) for the window's pixels inside the input, row by row.
template <typename F>
void window(const PoolArgs& args, int y, int x, F f) {
  for (int ky = 0; ky < args.kernel; ++ky) {
    for (int kx = 0; kx < args.kernel; ++kx) {
      const int iy = y * args.stride + ky - args.padding, ix = x * args.stride + kx - args.padding;
      if (iy >= 0 && ix >= 0 && iy < args.input_height && ix < args.input_width) f(iy, ix);
    }
  }
}

void max_pool(const PoolArgs& args, int64_t begin, int64_t end) {
  fill(args.output, begin, end, [&](int channel, int y, int x) {
    float largest = -std::numeric_limits<float>::infinity();
    window(args, y, x, [&](int iy, int ix) { largest = std::max(largest, at(args.input, channel, iy, ix)); });
    return largest;
  });
}

void average_pool(const PoolArgs& args, int64_t begin, int64_t end) {
  fill(args.output, begin, end, [&](int channel, int y, int x) {
    float sum = 0.0f;
    int count = 0;
    window(args, y, x, [&](int iy, int ix) { sum += at(args.input, channel, iy, ix), ++count; });
    if (args.count_padding) count = args.kernel * args.kernel;
    return sum * (1.0f / static_cast<float>(count));
  });
}

void global_average_pool(const PoolArgs& args, int64_t begin, int64_t end) {
  fill(args.output, begin, end, [&](int channel, int, int) {
    float sum = 0.0f;
    for (int y = 0; y < args.input_height; ++y) {
      for (int x = 0; x < args.input_width; ++x) sum += at(args.input, channel, y, x);
    }
    return sum * (1.0f / static_cast<float>(args.input_height * args.input_width));
  });
}

double multiply_adds(int64_t iterations) {
  float chains[8] = {1, 2, 3, 4, 5, 6, 7, 8}, sum = 0.0f;
  for (int64_t n = 0; n < iterations; ++n) {
    for (float& chain : chains) chain = chain * 0.999f + 0.001f;
  }
  for (float chain : chains) sum += chain;
  return static_cast<double>(iterations) * 8 * (sum > -1.0f ? 2.0 : 0.0);
}

}  // namespace

const KernelTable& reference_table() {
  static const KernelTable table = [] {
    KernelTable t;
    t.isa = Isa::kReference;
    t.conv2d = {rows<Conv2dArgs>, conv2d};
    t.half_weights = true;
    t.depthwise = {[](const DepthwiseArgs& args) { return args.mean ? planes_of(args.output.channels) : rows(args); },
                   depthwise};
    t.add = {rows<ElementwiseArgs>, add};
    t.multiply = {rows<ElementwiseArgs>, multiply};
    t.activate = {rows<ElementwiseArgs>, activate_all};
    t.max_pool = {rows<PoolArgs>, max_pool};
    t.average_pool = {rows<PoolArgs>, average_pool};
    t.global_average_pool = {rows<PoolArgs>, global_average_pool};
    t.multiply_adds = multiply_adds;
    set_plain_kernels(t);
    return t;
  }();
  return table;
}

}  // namespace limber::kernels
