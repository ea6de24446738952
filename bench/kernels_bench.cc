// SPDX-License-Identifier: Apache-2.0
// Kernels, layer by layer: share of the core's measured peak, and what it costs to read a slice of a super-network's
// weights.
//   cmake --preset release && cmake --build build/release --target kernels_bench
//   taskset -c 0 build/release/bench/kernels_bench [ISA [ROUNDS [NAME]]]
// With NAME only layers whose names contain it. Rounds are interleaved: each times the peak, then every layer with
// weights of its own and as a slice. Medians over rounds.
#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/statistics.h"
#include "kernels/kernels.h"
#include "kernels/pack.h"
#include "kernels/peak.h"
#include "kernels/test_data.h"

namespace {

using namespace limber::kernels;
using limber::median;

struct Layer {
  const char* name;
  int size;  // of the input, square
  int inputs, outputs, kernel, stride;
  bool depthwise = false;
  bool pool = false;  // max pool: no multiply-adds, its time only
};

const Layer kLayers[] = {
    {"1x1 64-64", 28, 64, 64, 1, 1},
    {"1x1 128-128", 28, 128, 128, 1, 1},
    {"1x1 64-256", 28, 64, 256, 1, 1},
    {"1x1 256-64", 28, 256, 64, 1, 1},
    {"3x3 64-64", 28, 64, 64, 3, 1},
    {"3x3 64-128", 28, 64, 128, 3, 1},
    {"3x3 128-128", 28, 128, 128, 3, 1},
    {"3x3 128-128 s2", 28, 128, 128, 3, 2},
    {"3x3 64-64", 14, 64, 64, 3, 1},
    {"1x1 512-128", 14, 512, 128, 1, 1},
    {"1x1 160-960", 7, 160, 960, 1, 1},
    {"1x1 16-96", 112, 16, 96, 1, 1},
    {"1x1 144-24", 56, 144, 24, 1, 1},
    {"1x1 240-40", 28, 240, 40, 1, 1},
    {"stem 3x3 1-16", 28, 1, 16, 3, 1},
    {"stem 3x3 3-16", 32, 3, 16, 3, 1},
    {"stem 3x3 3-32 s2", 224, 3, 32, 3, 2},
    {"group 3x3 16-16", 28, 16, 16, 3, 1},
    {"group 3x3 16-32", 16, 16, 32, 3, 1},
    {"group 3x3 32-48", 16, 32, 48, 3, 1},
    {"group 3x3 48-64", 8, 48, 64, 3, 1},
    {"group 3x3 64-64", 8, 64, 64, 3, 1},
    {"group 3x3 64-64", 4, 64, 64, 3, 1},
    {"linear 64-10", 1, 64, 10, 1, 1},
    {"linear 1280-1000", 1, 1280, 1000, 1, 1},
    {"depthwise 3x3", 32, 72, 72, 3, 1, true},
    {"depthwise 3x3", 16, 120, 120, 3, 1, true},
    {"depthwise 3x3", 8, 336, 336, 3, 1, true},
    {"depthwise 3x3 s2", 64, 48, 48, 3, 2, true},
    {"depthwise 3x3 s2", 16, 120, 120, 3, 2, true},
    {"depthwise 5x5", 44, 96, 96, 5, 1, true},
    {"depthwise 5x5", 14, 240, 240, 5, 1, true},
    {"depthwise 5x5", 6, 640, 640, 5, 1, true},
    {"depthwise 5x5 s2", 22, 160, 160, 5, 2, true},
    {"depthwise 7x7", 56, 144, 144, 7, 1, true},
    {"depthwise 7x7", 28, 240, 240, 7, 1, true},
    {"depthwise 7x7", 14, 480, 480, 7, 1, true},
    {"depthwise 7x7", 7, 960, 960, 7, 1, true},
    {"depthwise 7x7 s2", 28, 144, 144, 7, 2, true},
    {"depthwise 7x7 s2", 14, 672, 672, 7, 2, true},
    {"max pool 2x2 s2", 32, 16, 16, 2, 2, false, true},
    {"max pool 3x3 s2", 28, 64, 64, 3, 2, false, true},
};

double seconds(const std::function<void()>& run, int repeats) {
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < repeats; ++i) run();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() / repeats;
}

// One layer's operands: `factor` times as many channels in the weights as are used.
class Subject {
 public:
  Subject(const Layer& layer, int factor, Isa isa)
      : input_(layer.size, layer.size, layer.inputs, layer.kernel / 2),
        output_((layer.size - 1) / layer.stride + 1, (layer.size - 1) / layer.stride + 1, layer.outputs,
                layer.kernel > 1 ? 1 : 0),
        scale_(planes_of(layer.outputs) * kLanes, 1.0f),
        bias_(planes_of(layer.outputs) * kLanes) {
    Random random(7);
    input_.randomize(random);
    const int64_t taps = layer.kernel * layer.kernel;
    if (layer.depthwise) {
      weights_ = std::make_unique<Floats>(planes_of(layer.outputs) * taps * kLanes, 0.5f);
      DepthwiseArgs args;
      args.input = read(input_.planes);
      args.output = output_.planes;
      args.kernel_height = args.kernel_width = layer.kernel;
      args.stride = layer.stride;
      args.padding = layer.kernel / 2;
      args.weights = weights_->data();
      args.scale = scale_.data();
      args.bias = bias_.data();
      args.activation = Activation::kRelu;
      run = [args, isa] { kernels(isa).depthwise(args); };
    } else if (layer.pool) {
      PoolArgs args;
      args.input = read(input_.planes);
      args.input_height = args.input_width = layer.size;
      args.output = output_.planes;
      args.kernel = layer.kernel;
      args.stride = layer.stride;
      args.padding = (layer.kernel - 1) / 2;
      run = [args, isa] { kernels(isa).max_pool(args); };
    } else {
      const PanelShape shape{int64_t{layer.outputs} * factor, int64_t{layer.inputs} * factor, taps, {}};
      weights_ = std::make_unique<Floats>(shape.floats(), 0.01f);
      range_ = {read(input_.planes), layer.inputs, 0};
      Conv2dArgs args;
      args.ranges = {&range_, 1};
      args.output = output_.planes;
      args.kernel_height = args.kernel_width = layer.kernel;
      args.stride = layer.stride;
      args.padding = layer.kernel / 2;
      args.weights = weights_->data();
      args.panel_stride = shape.panel_stride();
      args.tap_stride = shape.tap_stride();
      args.scale = scale_.data();
      args.bias = bias_.data();
      args.activation = Activation::kRelu;
      run = [args, isa] { kernels(isa).conv2d(args); };
    }
    const double outputs = output_.planes.height * output_.planes.width * static_cast<double>(layer.outputs);
    operations = (layer.pool ? 0.0 : 2.0) * outputs * static_cast<double>(taps) * (layer.depthwise ? 1 : layer.inputs);
    repeats = std::max(1, static_cast<int>(2e-4 / seconds(run, 3)));
  }
  Subject(const Subject&) = delete;

  std::function<void()> run;
  double operations = 0;
  int repeats = 1;
  std::vector<double> times;

 private:
  Tensor input_, output_;
  Floats scale_, bias_;
  std::unique_ptr<Floats> weights_;
  ConvRange range_;
};

}  // namespace

int main(int argc, char** argv) {
  try {
    const Isa isa = find_isa(argc > 1 ? argv[1] : "");
    const int rounds = argc > 2 ? std::atoi(argv[2]) : 31;
    const std::string wanted = argc > 3 ? argv[3] : "";
    std::vector<Layer> layers;
    for (const Layer& layer : kLayers) {
      if (std::string(layer.name).find(wanted) != std::string::npos) layers.push_back(layer);
    }
    std::vector<std::unique_ptr<Subject>> full, sliced;
    for (const Layer& layer : layers) {
      full.push_back(std::make_unique<Subject>(layer, 1, isa));
      sliced.push_back(std::make_unique<Subject>(layer, layer.depthwise || layer.pool ? 1 : 2, isa));
    }
    std::vector<double> peaks;
    for (int round = 0; round < std::max(1, rounds); ++round) {
      peaks.push_back(peak_gflops(isa, 1));
      for (size_t i = 0; i < full.size(); ++i) {
        // Alternate which one is first, so that neither always finds the other's clock.
        for (Subject* s :
             round % 2 ? std::vector{full[i].get(), sliced[i].get()} : std::vector{sliced[i].get(), full[i].get()}) {
          s->run();
          s->times.push_back(seconds(s->run, s->repeats));
        }
      }
    }
    const double peak = median(peaks);
    fmt::print("{}: peak of one core {:.1f} GFLOP/s\n", isa_name(isa), peak);
    fmt::print("{:<18} {:>5} {:>10} {:>9} {:>7} {:>12}\n", "layer", "size", "us", "GFLOP/s", "peak", "sliced/full");
    for (size_t i = 0; i < full.size(); ++i) {
      std::vector<double> ratios;
      for (size_t r = 0; r < full[i]->times.size(); ++r) ratios.push_back(sliced[i]->times[r] / full[i]->times[r]);
      const double time = median(full[i]->times), gflops = full[i]->operations / time * 1e-9;
      fmt::print("{:<18} {:>5} {:>10.2f} {:>9.1f} {:>6.1f}% {:>12.3f}\n", layers[i].name, layers[i].size, time * 1e6,
                 gflops, 100 * gflops / peak, median(ratios));
    }
  } catch (const std::exception& error) {
    fmt::print(stderr, "kernels_bench: {}\n", error.what());
    return 1;
  }
}
