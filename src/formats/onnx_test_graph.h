// SPDX-License-Identifier: Apache-2.0
// Small ONNX files made and run by tests. Layer: formats (tests only).
#pragma once
#include <cmath>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "formats/onnx_graph.h"
#include "formats/onnx_import.h"
#include "network/test_sessions.h"

namespace limber::toy {

inline OnnxImport import_text(const std::string& bytes, const std::string& where = "test.onnx",
                              const OnnxImportOptions& options = {}) {
  return import_onnx(std::as_bytes(std::span(bytes)), where, options);
}

// What the engine answers for `input`, [channels][height][width].
inline std::vector<float> answer_of(const Network& network, const std::vector<float>& input, int member = 0) {
  const auto model = build(network);
  Session session(model);
  session.select(member);
  std::vector<float> answers(static_cast<std::size_t>(model->outputs(member)));
  session.infer({1, {}, input}, answers);
  return answers;
}

// Channels x rows x columns, with the plain definitions of ONNX's operators.
struct Picture {
  int64_t channels, height, width;
  std::vector<float> values;
  float get(int64_t c, int64_t y, int64_t x) const {
    return values[static_cast<std::size_t>((c * height + y) * width + x)];
  }
  bool holds(int64_t y, int64_t x) const { return y >= 0 && x >= 0 && y < height && x < width; }
};

inline Picture picture(int64_t channels, int64_t height, int64_t width, unsigned seed = 3) {
  return {channels, height, width, random_values(channels * height * width, seed)};
}

// f(channel, y, x) for every value of a picture.
inline Picture made(int64_t channels, int64_t height, int64_t width,
                    const std::function<float(int64_t, int64_t, int64_t)>& f) {
  Picture result{channels, height, width, {}};
  for (int64_t c = 0; c < channels; ++c) {
    for (int64_t y = 0; y < height; ++y) {
      for (int64_t x = 0; x < width; ++x) result.values.push_back(f(c, y, x));
    }
  }
  return result;
}

struct Slide {
  std::vector<int64_t> kernel{3, 3}, strides{1, 1}, dilations{1, 1}, pads{0, 0, 0, 0};  // as the attributes of ONNX
  int64_t rows(const Picture& in) const { return size(in.height, 0); }
  int64_t columns(const Picture& in) const { return size(in.width, 1); }

 private:
  int64_t size(int64_t extent, std::size_t i) const {
    return (extent + pads[i] + pads[i + 2] - (kernel[i] - 1) * dilations[i] - 1) / strides[i] + 1;
  }
};

// Calls f(iy, ix, tap) for each tap of the window of output (y, x); it may lie outside.
inline void taps(const Slide& s, int64_t y, int64_t x, const std::function<void(int64_t, int64_t, int64_t)>& f) {
  for (int64_t ky = 0; ky < s.kernel[0]; ++ky) {
    for (int64_t kx = 0; kx < s.kernel[1]; ++kx) {
      f(y * s.strides[0] + ky * s.dilations[0] - s.pads[0], x * s.strides[1] + kx * s.dilations[1] - s.pads[1],
        ky * s.kernel[1] + kx);
    }
  }
}

inline Picture plain_conv(const Picture& in, const Slide& s, const std::vector<float>& weight,
                          const std::vector<float>& bias, int64_t groups = 1) {
  const auto outputs = static_cast<int64_t>(bias.size());
  const int64_t each = in.channels / groups, area = s.kernel[0] * s.kernel[1];
  return made(outputs, s.rows(in), s.columns(in), [&](int64_t c, int64_t y, int64_t x) {
    double sum = bias[static_cast<std::size_t>(c)];
    taps(s, y, x, [&](int64_t iy, int64_t ix, int64_t tap) {
      if (!in.holds(iy, ix)) return;
      for (int64_t k = 0; k < each; ++k) {
        sum += static_cast<double>(in.get(c / (outputs / groups) * each + k, iy, ix)) *
               weight[static_cast<std::size_t>((c * each + k) * area + tap)];
      }
    });
    return static_cast<float>(sum);
  });
}

inline Picture plain_max_pool(const Picture& in, const Slide& s) {
  return made(in.channels, s.rows(in), s.columns(in), [&](int64_t c, int64_t y, int64_t x) {
    float most = -1e30f;
    taps(s, y, x, [&](int64_t iy, int64_t ix, int64_t) {
      if (in.holds(iy, ix)) most = std::max(most, in.get(c, iy, ix));
    });
    return most;
  });
}

inline Picture plain_average(const Picture& in, const Slide& s) {  // borders count
  return made(in.channels, s.rows(in), s.columns(in), [&](int64_t c, int64_t y, int64_t x) {
    double sum = 0;
    taps(s, y, x, [&](int64_t iy, int64_t ix, int64_t) { sum += in.holds(iy, ix) ? in.get(c, iy, ix) : 0; });
    return static_cast<float>(sum / static_cast<double>(s.kernel[0] * s.kernel[1]));
  });
}

inline Picture plain_map(const Picture& in, const std::function<float(float)>& f) {
  Picture result = in;
  for (float& value : result.values) value = f(value);
  return result;
}

inline std::vector<int64_t> shape_of(const Picture& p) {
  return {1, p.channels, p.height, p.width};
}

// A file with the input "x" and the output "y", which `build` makes.
inline std::string file(const Picture& in, const std::vector<int64_t>& out,
                        const std::function<void(OnnxGraph&)>& build) {
  OnnxGraph graph;
  graph.add_input("x", shape_of(in));
  build(graph);
  graph.add_output("y", out);
  return graph.finish("test", {}).SerializeAsString();
}

}  // namespace limber::toy
