// SPDX-License-Identifier: Apache-2.0
#include "kernels/plain.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace limber::kernels {
namespace {

void copy(const ElementwiseArgs& args, int64_t begin, int64_t end) {
  const size_t bytes = static_cast<size_t>(args.output.width) * kLanes * sizeof(float);
  const Planes& to = args.output;
  for (int64_t item = begin; item < end; ++item) {
    const int64_t plane = item / to.height, y = item % to.height;
    std::memmove(to.data + plane * to.plane_stride + y * to.row_stride,
                 args.a.data + plane * args.a.plane_stride + y * args.a.row_stride, bytes);
  }
}

void softmax(const SoftmaxArgs& args, int64_t begin, int64_t end) {
  const Planes& to = args.output;
  for (int64_t y = begin; y < end; ++y) {
    for (int x = 0; x < to.width; ++x) {
      const float* from = args.input.data + y * args.input.row_stride + x * kLanes;
      float* out = to.data + y * to.row_stride + x * kLanes;
      auto offset = [](int c, int64_t stride) { return (c / kLanes) * stride + c % kLanes; };
      float largest = from[0], sum = 0.0f;
      for (int c = 1; c < to.channels; ++c) largest = std::max(largest, from[offset(c, args.input.plane_stride)]);
      for (int c = 0; c < to.channels; ++c) {
        const float e = std::exp(from[offset(c, args.input.plane_stride)] - largest);
        out[offset(c, to.plane_stride)] = e;
        sum += e;
      }
      for (int c = 0; c < to.channels; ++c) out[offset(c, to.plane_stride)] /= sum;
      for (int64_t c = to.channels; c < planes_of(to.channels) * kLanes; ++c) {
        out[offset(static_cast<int>(c), to.plane_stride)] = 0.0f;
      }
    }
  }
}

// One item: one query row of one head. Heads of a multiple of 16 channels own whole planes.
void attention(const AttentionArgs& args, int64_t begin, int64_t end) {
  const int depth = args.output.channels / args.heads;
  const float scale = 1.0f / std::sqrt(static_cast<float>(depth));
  const int64_t planes = planes_of(depth);
  for (int64_t item = begin; item < end; ++item) {
    const int64_t head = item / args.output.height, row = item % args.output.height;
    const int64_t keys = args.causal ? args.key_rows - args.output.height + row + 1 : args.key_rows;
    float* scores = args.scratch + item * args.key_rows;
    const float* query = args.queries.data + head * planes * args.queries.plane_stride + row * args.queries.row_stride;
    float largest = 0.0f, sum = 0.0f;
    for (int64_t j = 0; j < keys; ++j) {
      const float* key = args.keys.data + head * planes * args.keys.plane_stride + j * args.keys.row_stride;
      float dot = 0.0f;
      for (int c = 0; c < depth; ++c) {
        dot += query[(c / kLanes) * args.queries.plane_stride + c % kLanes] *
               key[(c / kLanes) * args.keys.plane_stride + c % kLanes];
      }
      scores[j] = dot * scale;
      largest = j == 0 ? scores[j] : std::max(largest, scores[j]);
    }
    for (int64_t j = 0; j < keys; ++j) {
      scores[j] = std::exp(scores[j] - largest);
      sum += scores[j];
    }
    for (int64_t plane = 0; plane < planes; ++plane) {
      const int64_t p = head * planes + plane;
      float mix[kLanes] = {};
      for (int64_t j = 0; j < keys; ++j) {
        const float* value = args.values.data + p * args.values.plane_stride + j * args.values.row_stride;
        for (int lane = 0; lane < kLanes; ++lane) mix[lane] += scores[j] * value[lane];
      }
      float* out = args.output.data + p * args.output.plane_stride + row * args.output.row_stride;
      for (int lane = 0; lane < kLanes; ++lane) out[lane] = plane * kLanes + lane < depth ? mix[lane] / sum : 0.0f;
    }
  }
}

template <int kChannels>
void narrow_bytes_row(const uint8_t* from, const float* table, float* to, int width, int channels) {
  const int count = kChannels ? kChannels : channels;
  for (int x = 0; x < width; ++x, from += count, to += kNarrowLanes) {
    for (int c = 0; c < count; ++c) to[c] = table[c * 256 + from[c]];
    for (int c = count; c < kNarrowLanes; ++c) to[c] = 0.0f;
  }
}

// Channels is a template argument for the common images so that a pixel is a few moves.
template <int kChannels>
void bytes_row(const uint8_t* from, const float* table, float* to, int width, int channels) {
  const int count = kChannels ? kChannels : channels;
  for (int x = 0; x < width; ++x, from += count, to += kLanes) {
    // Straight to the plane: a pixel put together on the stack is read back wider than it was written, which stalls.
    std::fill_n(to, kLanes, 0.0f);
    for (int c = 0; c < count; ++c) to[c] = table[c * 256 + from[c]];
  }
}

void from_bytes(const BytesArgs& args, int64_t begin, int64_t end) {
  const Planes& to = args.output;
  for (int64_t y = begin; y < end; ++y) {
    const uint8_t* from = args.pixels + y * to.width * to.channels;
    float* row = to.data + y * to.row_stride;
    if (args.lanes == kNarrowLanes) {
      if (to.channels == 3) {
        narrow_bytes_row<3>(from, args.table, row, to.width, 3);
      } else {
        narrow_bytes_row<0>(from, args.table, row, to.width, to.channels);
      }
    } else if (to.channels == 3) {
      bytes_row<3>(from, args.table, row, to.width, 3);
    } else if (to.channels == 1) {
      bytes_row<1>(from, args.table, row, to.width, 1);
    } else if (to.channels <= kLanes) {
      bytes_row<0>(from, args.table, row, to.width, to.channels);
    } else {
      for (int64_t plane = 0; plane < planes_of(to.channels); ++plane) {
        for (int x = 0; x < to.width; ++x) {
          for (int64_t c = plane * kLanes; c < (plane + 1) * kLanes; ++c) {
            row[plane * to.plane_stride + x * kLanes + c % kLanes] =
                c < to.channels ? args.table[c * 256 + from[x * to.channels + c]] : 0.0f;
          }
        }
      }
    }
  }
}

// Channels side by side; kLanesOfPixel a constant, so that a pixel is a few moves.
template <int kLanesOfPixel>
void floats_row(const float* from, int64_t size, float* to, int width, int64_t channels) {
  for (int x = 0; x < width; ++x, to += kLanesOfPixel) {
    std::fill_n(to, kLanesOfPixel, 0.0f);
    for (int64_t c = 0; c < channels; ++c) to[c] = from[c * size + x];
  }
}

void narrow_floats_row(const float* from, int64_t size, float* to, int width, int64_t channels) {
  if (channels != 3) return floats_row<kNarrowLanes>(from, size, to, width, channels);
  for (int x = 0; x < width; ++x, to += kNarrowLanes) {
    to[0] = from[x];
    to[1] = from[size + x];
    to[2] = from[2 * size + x];
    to[3] = 0.0f;
  }
}

void from_floats(const FloatsArgs& args, int64_t begin, int64_t end) {
  const Planes& to = args.output;
  const int64_t size = static_cast<int64_t>(to.height) * to.width;
  for (int64_t y = begin; y < end; ++y) {
    for (int64_t plane = 0; plane < planes_of(to.channels); ++plane) {
      const int64_t first = plane * kLanes, count = std::min<int64_t>(kLanes, to.channels - first);
      float* row = to.data + plane * to.plane_stride + y * to.row_stride;
      const float* from = args.values + first * size + y * to.width;
      if (args.lanes == kNarrowLanes) {
        narrow_floats_row(from, size, row, to.width, count);
      } else {
        floats_row<kLanes>(from, size, row, to.width, count);
      }
    }
  }
}

template <typename Args>
int64_t lines(const Args& args) {
  return args.output.height;
}

}  // namespace

void set_plain_kernels(KernelTable& table) {
  table.copy = {[](const ElementwiseArgs& a) { return planes_of(a.output.channels) * a.output.height; }, copy};
  table.softmax = {lines<SoftmaxArgs>, softmax};
  table.attention = {[](const AttentionArgs& a) -> int64_t { return static_cast<int64_t>(a.heads) * a.output.height; },
                     attention};
  table.from_bytes = {lines<BytesArgs>, from_bytes};
  table.from_floats = {lines<FloatsArgs>, from_floats};
}

}  // namespace limber::kernels
