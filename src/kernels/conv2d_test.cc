// SPDX-License-Identifier: Apache-2.0
// Convolutions of every attainable ISA against the plain loops, and the promises about bits in kernels.h.
#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>

#include "base/half.h"
#include "kernels/conv2d_tile.h"
#include "kernels/kernels.h"
#include "kernels/pack.h"
#include "kernels/test_data.h"

namespace limber::kernels {
namespace {

constexpr float kUntouched = 77.0f;

std::vector<Isa> fast_isas() {
  return {attainable_isas().begin() + 1, attainable_isas().end()};
}

struct Shape {
  int height, width;        // of the output
  std::vector<int> inputs;  // channels of each range
  int outputs;
  int kernel = 1, stride = 1, padding = 0;
  int output_halo = 0;
  Activation activation = Activation::kNone;
  bool residual = false;
};

// A convolution with random operands; inputs are K of a larger super-network (extra rows before, between and behind).
struct Case {
  Case(const Shape& s, uint32_t seed) : shape(s) {
    Random random(seed);
    panel.taps = s.kernel * s.kernel;
    panel.inputs = 3;
    for (int channels : s.inputs) {
      const int in_height = (s.height - 1) * s.stride + s.kernel - 2 * s.padding;
      const int in_width = (s.width - 1) * s.stride + s.kernel - 2 * s.padding;
      tensors.emplace_back(in_height, in_width, channels, s.padding);
      tensors.back().randomize(random);
      ranges.push_back({read(tensors.back().planes), channels, panel.inputs});
      panel.inputs += channels + 2;
    }
    panel.outputs = s.outputs + 5;
    weights = std::make_unique<Floats>(panel.floats());
    pack_panels(panel, random.values(panel.outputs * panel.inputs * panel.taps), weights->span());
    const int64_t lanes = planes_of(s.outputs) * kLanes;
    scale = std::make_unique<Floats>(lanes);
    bias = std::make_unique<Floats>(lanes);
    pack_lanes(random.values(s.outputs), scale->span());
    pack_lanes(random.values(s.outputs), bias->span());
    residual = std::make_unique<Tensor>(s.height, s.width, s.outputs, s.output_halo);
    residual->randomize(random);
  }

  Conv2dArgs args(Tensor& output) const {
    Conv2dArgs a;
    a.ranges = ranges;
    a.output = output.planes;
    a.kernel_height = a.kernel_width = shape.kernel;
    a.stride = shape.stride;
    a.padding = shape.padding;
    a.weights = weights->data();
    a.panel_stride = panel.panel_stride();
    a.tap_stride = panel.tap_stride();
    a.scale = scale->data();
    a.bias = bias->data();
    a.activation = shape.activation;
    if (shape.residual) a.residual = read(residual->planes);
    return a;
  }

  std::unique_ptr<Tensor> output() const {
    return std::make_unique<Tensor>(shape.height, shape.width, shape.outputs, shape.output_halo, kUntouched);
  }

  Shape shape;
  PanelShape panel;
  std::vector<Tensor> tensors;
  std::vector<ConvRange> ranges;
  std::unique_ptr<Floats> weights, scale, bias;
  std::unique_ptr<Tensor> residual;
};

void expect_same_bits(const Tensor& a, const Tensor& b) {
  ASSERT_EQ(a.floats.size(), b.floats.size());
  EXPECT_EQ(0, std::memcmp(a.floats.data(), b.floats.data(), static_cast<size_t>(a.floats.size()) * sizeof(float)));
}

// Values within rounding, padding lanes exactly 0, halo untouched: since both start untouched, all of it is in the
// buffers.
void expect_near(const Tensor& expected, const Tensor& found, float tolerance) {
  ASSERT_EQ(expected.floats.size(), found.floats.size());
  float worst = 0;
  for (int64_t i = 0; i < expected.floats.size(); ++i) {
    const float e = expected.floats.data()[i], f = found.floats.data()[i];
    if (e == 0.0f || e == kUntouched) {
      worst = std::max(worst, std::abs(e - f));
    } else {
      ASSERT_NEAR(e, f, tolerance) << "float " << i;
    }
  }
  EXPECT_LE(worst, tolerance);
}

void expect_clean_padding(Tensor& t) {
  for (int c = t.planes.channels; c < planes_of(t.planes.channels) * kLanes; ++c) {
    for (int y = 0; y < t.planes.height; ++y) {
      for (int x = 0; x < t.planes.width; ++x) ASSERT_EQ(0.0f, t.at(c, y, x)) << c << " " << y << " " << x;
    }
  }
}

void check(const Shape& shape, uint32_t seed) {
  SCOPED_TRACE(testing::Message() << shape.height << "x" << shape.width << " outputs " << shape.outputs << " kernel "
                                  << shape.kernel << " stride " << shape.stride << " seed " << seed);
  const Case c(shape, seed);
  auto expected = c.output();
  kernels(Isa::kReference).conv2d(c.args(*expected));
  for (Isa isa : fast_isas()) {
    SCOPED_TRACE(isa_name(isa));
    auto found = c.output();
    kernels(isa).conv2d(c.args(*found));
    expect_near(*expected, *found, 2e-4f);
    expect_clean_padding(*found);
    if (shape.output_halo) {
      EXPECT_EQ(kUntouched, found->planes.data[-kLanes]);
      EXPECT_EQ(kUntouched, found->planes.data[shape.width * kLanes]);
    }
  }
}

TEST(Conv2d, AgreesWithReferenceOnUsualShapes) {
  check({28, 28, {64}, 64, 3, 1, 1, 1, Activation::kRelu}, 1);
  check({28, 28, {64}, 64, 1, 1, 0, 0, Activation::kNone, true}, 2);
  check({14, 14, {16, 32}, 48, 3, 2, 1, 1, Activation::kHardSwish}, 3);
  check({8, 8, {40}, 72, 3, 1, 1, 0, Activation::kHardSigmoid}, 4);
  check({1, 1, {64, 10}, 10}, 5);
  check({32, 32, {3}, 16, 3, 1, 1, 1, Activation::kRelu}, 6);
  check({37, 1, {20}, 300}, 7);
  check({4, 5, {33}, 17, 5, 3, 2, 2, Activation::kRelu, true}, 8);
  check({9, 10, {3}, 24, 7, 2, 3, 1, Activation::kRelu}, 9);
}

TEST(Conv2d, AgreesWithReferenceOnRandomShapes) {
  // Emulators ask for fewer.
  const char* count = std::getenv("LIMBER_TEST_SHAPES");
  Random random(42);
  for (uint32_t seed = 0; seed < (count ? static_cast<uint32_t>(std::atoi(count)) : 150u); ++seed) {
    Shape s;
    s.height = random.between(1, 9);
    s.width = random.between(1, 35);
    for (int n = random.between(1, 3); n > 0; --n) s.inputs.push_back(random.between(1, 37));
    s.outputs = random.between(1, 150);
    s.kernel = seed % 8 == 7 ? random.between(5, 7) : random.between(1, 4);
    s.stride = random.between(1, 3);
    s.padding = random.between(0, s.kernel / 2);
    while ((s.height - 1) * s.stride + s.kernel - 2 * s.padding < 1) ++s.height;
    while ((s.width - 1) * s.stride + s.kernel - 2 * s.padding < 1) ++s.width;
    s.output_halo = random.between(0, 2);
    s.activation = static_cast<Activation>(random.between(0, 4));
    s.residual = random.between(0, 1);
    check(s, seed);
  }
}

TEST(Conv2d, NarrowInputsGiveTheSameBits) {
  Random random(17);
  for (uint32_t seed = 0; seed < 60; ++seed) {
    Shape s{random.between(1, 9), random.between(1, 36), {random.between(1, kNarrowLanes)}, random.between(1, 70)};
    s.kernel = random.between(1, 7);
    s.stride = random.between(1, 2);
    s.padding = s.kernel / 2;
    while ((s.height - 1) * s.stride + s.kernel - 2 * s.padding < 1) ++s.height;
    while ((s.width - 1) * s.stride + s.kernel - 2 * s.padding < 1) ++s.width;
    s.activation = static_cast<Activation>(seed % 5);
    SCOPED_TRACE(testing::Message() << s.height << "x" << s.width << " outputs " << s.outputs << " kernel " << s.kernel
                                    << " stride " << s.stride);
    Case c(s, seed);
    Tensor& wide = c.tensors.front();
    const int halo = wide.halo, height = wide.planes.height, width = wide.planes.width;
    const int64_t line = static_cast<int64_t>(width + 2 * halo) * kNarrowLanes;
    std::vector<float> narrow(static_cast<size_t>((height + 2 * halo) * line), 0.0f);
    float* const first = narrow.data() + halo * (line + kNarrowLanes);
    for (int channel = 0; channel < s.inputs.front(); ++channel) {
      for (int y = 0; y < height; ++y) {
        for (int x = 0; x < width; ++x) first[y * line + x * kNarrowLanes + channel] = wide.at(channel, y, x);
      }
    }
    ConvRange range = c.ranges.front();
    range.input = {first, 0, line};
    for (Isa isa : attainable_isas()) {
      SCOPED_TRACE(isa_name(isa));
      auto expected = c.output(), found = c.output();
      kernels(isa).conv2d(c.args(*expected));
      Conv2dArgs args = c.args(*found);
      args.ranges = {&range, 1};
      args.input_lanes = kNarrowLanes;
      kernels(isa).conv2d(args);
      expect_same_bits(*expected, *found);
    }
  }
}

TEST(Conv2d, AnySplitIntoItemsGivesTheSameBits) {
  for (const Shape& shape : {Shape{28, 28, {16}, 80, 3, 1, 1, 1, Activation::kRelu}, Shape{7, 9, {30}, 210, 1}}) {
    const Case c(shape, 9);
    for (Isa isa : attainable_isas()) {
      SCOPED_TRACE(isa_name(isa));
      const auto& kernel = kernels(isa).conv2d;
      auto whole = c.output(), parts = c.output();
      kernel(c.args(*whole));
      const Conv2dArgs args = c.args(*parts);
      const int64_t items = kernel.items(args);
      EXPECT_GE(items, 4);
      for (int64_t i = items; i > 0;) {  // backwards, in uneven parts
        const int64_t begin = std::max<int64_t>(0, i - 1 - i % 3);
        kernel.run(args, begin, i);
        i = begin;
      }
      expect_same_bits(*whole, *parts);
    }
  }
}

TEST(Conv2d, APrefixOfTheOutputsHasTheSameBits) {
  const Shape shape{10, 15, {24}, 100, 3, 1, 1, 0, Activation::kHardSwish};
  const Case c(shape, 10);
  for (Isa isa : attainable_isas()) {
    SCOPED_TRACE(isa_name(isa));
    auto whole = c.output();
    kernels(isa).conv2d(c.args(*whole));
    for (int outputs : {1, 15, 16, 17, 33, 64, 99}) {
      Tensor part(shape.height, shape.width, outputs, 0, kUntouched);
      Conv2dArgs args = c.args(part);
      Floats scale(planes_of(outputs) * kLanes), bias(planes_of(outputs) * kLanes);
      pack_lanes({c.scale->data(), static_cast<size_t>(outputs)}, scale.span());
      pack_lanes({c.bias->data(), static_cast<size_t>(outputs)}, bias.span());
      args.scale = scale.data();
      args.bias = bias.data();
      kernels(isa).conv2d(args);
      for (int n = 0; n < outputs; ++n) {
        for (int y = 0; y < shape.height; ++y) {
          for (int x = 0; x < shape.width; ++x) ASSERT_EQ(whole->at(n, y, x), part.at(n, y, x));
        }
      }
      expect_clean_padding(part);
    }
  }
}

TEST(Conv2d, PartialSumsContinueTheSameChain) {
  for (const Shape& shape :
       {Shape{6, 11, {17, 16, 8}, 40, 3, 1, 1, 1, Activation::kRelu, true}, Shape{1, 1, {64, 64, 64}, 10}}) {
    const Case c(shape, 11);
    for (Isa isa : attainable_isas()) {
      SCOPED_TRACE(isa_name(isa));
      const auto& kernel = kernels(isa).conv2d;
      auto whole = c.output(), sums = c.output(), found = c.output();
      kernel(c.args(*whole));
      for (size_t i = 0; i < c.ranges.size(); ++i) {
        Conv2dArgs args = c.args(*sums);
        args.ranges = args.ranges.subspan(i, 1);
        if (i > 0) args.start = read(sums->planes);
        args.finish = false;
        kernel(args);
      }
      Conv2dArgs args = c.args(*found);
      args.ranges = {};
      args.start = read(sums->planes);
      kernel(args);
      expect_same_bits(*whole, *found);
    }
  }
}

// A 3x3 convolution that only sums up: scale 1, bias 0.
struct PlainSum {
  PlainSum(const PanelShape& panel, int outputs)
      : ones(planes_of(outputs) * kLanes), zeros(planes_of(outputs) * kLanes) {
    pack_lanes(std::vector<float>(static_cast<size_t>(outputs), 1.0f), ones.span());
    args.kernel_height = args.kernel_width = 3;
    args.padding = 1;
    args.panel_stride = panel.panel_stride();
    args.tap_stride = panel.tap_stride();
    args.scale = ones.data();
    args.bias = zeros.data();
  }
  void run(Isa isa, const float* weights, std::span<const ConvRange> ranges, Tensor& output) {
    args.weights = weights;
    args.ranges = ranges;
    args.output = output.planes;
    kernels(isa).conv2d(args);
  }

  Floats ones, zeros;
  Conv2dArgs args;
};

// A slice of the outputs that starts at a declared boundary, and the same weights packed alone.
TEST(Conv2d, ASliceEqualsItsOwnNetwork) {
  Random random(12);
  const int from = 21, outputs = 30, inputs = 40;
  PanelShape whole{64, inputs, 9, {from}}, alone{outputs, inputs, 9, {}};
  const std::vector<float> values = random.values(64 * inputs * 9);
  Floats whole_weights(whole.floats()), alone_weights(alone.floats());
  pack_panels(whole, values, whole_weights.span());
  pack_panels(alone, std::span(values).subspan(from * inputs * 9, outputs * inputs * 9), alone_weights.span());
  EXPECT_EQ(2 + 3, whole.panels());
  EXPECT_EQ(2 * whole.panel_stride(), whole.offset(from));
  EXPECT_EQ(-1, whole.offset(22));
  EXPECT_EQ(3 * whole.panel_stride(), whole.offset(from + 16));
  Tensor input(8, 8, inputs, 1);
  input.randomize(random);
  const ConvRange range{read(input.planes), inputs, 0};
  PlainSum sum(whole, outputs);
  for (Isa isa : attainable_isas()) {
    SCOPED_TRACE(isa_name(isa));
    Tensor a(8, 8, outputs, 0), b(8, 8, outputs, 0);
    sum.run(isa, whole_weights.data() + whole.offset(from), {&range, 1}, a);
    sum.run(isa, alone_weights.data(), {&range, 1}, b);
    expect_same_bits(a, b);
  }
}

// A range that starts inside a plane: cut at the plane boundary, the first part with data at its lane.
TEST(Conv2d, ARangeMayStartAtAnyLane) {
  Random random(13);
  Tensor wide(5, 6, 40, 1), narrow(5, 6, 23, 1);
  wide.randomize(random);
  for (int c = 0; c < 23; ++c) {
    for (int y = 0; y < 5; ++y) {
      for (int x = 0; x < 6; ++x) narrow.at(c, y, x) = wide.at(c + 9, y, x);
    }
  }
  PanelShape panel{20, 23, 9, {}};
  Floats weights(panel.floats());
  pack_panels(panel, random.values(20 * 23 * 9), weights.span());
  // The chain is ranges first: the same cut on both sides.
  ConstPlanes second_wide = read(wide.planes), first_wide = second_wide, rest = read(narrow.planes);
  first_wide.data += 9;
  second_wide.data += second_wide.plane_stride;
  const ConvRange cut[] = {{first_wide, 7, 0}, {second_wide, 16, 7}};
  Tensor last(5, 6, 16, 1);
  for (int c = 0; c < 16; ++c) {
    for (int y = 0; y < 5; ++y) {
      for (int x = 0; x < 6; ++x) last.at(c, y, x) = narrow.at(c + 7, y, x);
    }
  }
  const ConvRange plain[] = {{rest, 7, 0}, {read(last.planes), 16, 7}};
  PlainSum sum(panel, 20);
  for (Isa isa : attainable_isas()) {
    Tensor a(5, 6, 20, 0), b(5, 6, 20, 0);
    sum.run(isa, weights.data(), cut, a);
    sum.run(isa, weights.data(), plain, b);
    expect_same_bits(a, b);
  }
}

void run_second_half_first(Isa isa, const Conv2dArgs& args) {
  const auto& kernel = kernels(isa).conv2d;
  const int64_t items = kernel.items(args);
  kernel.run(args, items / 2, items);
  kernel.run(args, 0, items / 2);
}

// The same values as halves and as floats, on every ISA that takes halves.
TEST(Conv2d, WeightsInHalfPrecisionGiveTheBitsOfTheSameValuesInFp32) {
  Random random(23);
  for (uint32_t seed = 0; seed < 60; ++seed) {
    Shape s{random.between(1, 9),
            random.between(1, 20),
            {random.between(1, 70), random.between(1, 20)},
            random.between(1, 150)};
    s.kernel = seed % 3 == 0 ? 3 : 1;
    s.padding = s.kernel / 2;
    s.activation = static_cast<Activation>(seed % 5);
    SCOPED_TRACE(testing::Message() << s.height << "x" << s.width << " outputs " << s.outputs << " kernel "
                                    << s.kernel);
    const Case c(s, seed);
    const auto count = static_cast<size_t>(c.panel.floats());
    std::vector<uint16_t> halves(count + 32);
    uint16_t* const aligned = halves.data() + (64 - reinterpret_cast<uintptr_t>(halves.data()) % 64) % 64 / 2;
    for (size_t i = 0; i < count; ++i) {
      float& value = c.weights->data()[i];
      aligned[i] = float_to_half(i % 97 == 5 ? value * 1e-6f : value);  // some are subnormal
      value = half_to_float(aligned[i]);
    }
    for (Isa isa : attainable_isas()) {
      if (!kernels(isa).half_weights) continue;
      SCOPED_TRACE(isa_name(isa));
      auto expected = c.output(), found = c.output();
      kernels(isa).conv2d(c.args(*expected));
      Conv2dArgs args = c.args(*found);
      args.weights = aligned;
      args.upcoming = {args.weights.at(0), 2, 160, c.panel.tap_stride() * 2};
      run_second_half_first(isa, args);
      expect_same_bits(*expected, *found);
    }
  }
}

TEST(Conv2d, WeightsInHalfPrecisionAreTakenByAllButSse4) {
  for (Isa isa : attainable_isas()) EXPECT_EQ(kernels(isa).half_weights, isa != Isa::kSse4) << isa_name(isa);
}

TEST(Lines, EveryOneIsTakenOnceWhateverTheSplit) {
  const Floats weights(5 * 80);
  // 5 rows of 3 lines, the last one not full
  const Upcoming what{reinterpret_cast<const std::byte*>(weights.data()), 5, 160, 320};
  ASSERT_EQ(Lines::lines_of(what), 15);
  for (const int64_t cut : {0, 1, 3, 7, 15}) {
    std::vector<int64_t> offsets;
    for (Lines part : {Lines(what, 0, cut), Lines(what, cut, 15)}) {
      while (part.left() > 0) offsets.push_back(part.take() - what.data);
    }
    ASSERT_EQ(offsets.size(), 15u);
    for (int64_t i = 0; i < 15; ++i) EXPECT_EQ(offsets[static_cast<size_t>(i)], i / 3 * 320 + i % 3 * Lines::kLine);
  }
}

TEST(Conv2d, FetchingAheadChangesNoBit) {
  const Case c({9, 13, {19, 16}, 50, 3, 1, 1, 1, Activation::kRelu}, 31);
  for (const Isa isa : attainable_isas()) {
    SCOPED_TRACE(isa_name(isa));
    auto plain = c.output(), ahead = c.output();
    kernels(isa).conv2d(c.args(*plain));
    Conv2dArgs args = c.args(*ahead);
    args.upcoming = {args.weights.at(0), 2, 128, c.panel.tap_stride() * 4};
    run_second_half_first(isa, args);
    expect_same_bits(*plain, *ahead);
  }
}

}  // namespace
}  // namespace limber::kernels
