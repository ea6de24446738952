// SPDX-License-Identifier: Apache-2.0
// Every kernel but the convolution: each attainable ISA against the plain loops, items, padding lanes, halo.
#include "kernels/kernels.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "base/error.h"
#include "kernels/pack.h"
#include "kernels/test_data.h"

namespace limber::kernels {
namespace {

constexpr float kUntouched = 77.0f;

// Runs one kernel on the reference and on each ISA (in two uneven parts, the last first) and compares whole buffers:
// values within rounding, padding lanes and halo exactly.
template <typename Args>
void check(Kernel<Args> KernelTable::*kernel, Args args, int height, int width, int channels) {
  Tensor expected(height, width, channels, 1, kUntouched);
  args.output = expected.planes;
  (kernels(Isa::kReference).*kernel)(args);
  for (int c = channels; c < planes_of(channels) * kLanes; ++c) ASSERT_EQ(0.0f, expected.at(c, height - 1, width - 1));
  for (Isa isa : attainable_isas()) {
    SCOPED_TRACE(isa_name(isa));
    Tensor found(height, width, channels, 1, kUntouched);
    args.output = found.planes;
    const Kernel<Args>& fast = kernels(isa).*kernel;
    const int64_t items = fast.items(args), cut = items / 3;
    fast.run(args, cut, items);
    fast.run(args, 0, cut);
    for (int64_t i = 0; i < expected.floats.size(); ++i) {
      const float e = expected.floats.data()[i], f = found.floats.data()[i];
      if (e == 0.0f || e == kUntouched) {
        ASSERT_NEAR(e, f, 1e-6f) << "float " << i;
      } else {
        ASSERT_NEAR(e, f, 2e-5f) << "float " << i;
      }
    }
    for (int c = channels; c < planes_of(channels) * kLanes; ++c) ASSERT_EQ(0.0f, found.at(c, height - 1, width - 1));
    ASSERT_EQ(kUntouched, found.planes.data[-kLanes]);
    ASSERT_EQ(kUntouched, found.planes.data[width * kLanes]);
  }
}

TEST(Kernels, Depthwise) {
  Random random(1);
  for (int round = 0; round < 40; ++round) {
    const int height = random.between(1, 9), width = random.between(1, 30), channels = random.between(1, 50);
    const int kernel = random.between(1, 7), stride = random.between(1, 3), padding = kernel / 2;
    Tensor input((height - 1) * stride + kernel, (width - 1) * stride + kernel, channels, padding);
    input.randomize(random);
    Floats weights(planes_of(channels) * kernel * kernel * kLanes), scale(planes_of(channels) * kLanes);
    Floats bias(planes_of(channels) * kLanes);
    pack_depthwise(channels, kernel * kernel, random.values(channels * kernel * kernel), weights.span());
    pack_lanes(random.values(channels), scale.span());
    pack_lanes(random.values(channels), bias.span());
    DepthwiseArgs args;
    args.input = read(input.planes);
    args.kernel_height = args.kernel_width = kernel;
    args.stride = stride;
    args.padding = padding;
    args.weights = weights.data();
    args.scale = scale.data();
    args.bias = bias.data();
    args.activation = static_cast<Activation>(round % 5);
    SCOPED_TRACE(testing::Message() << height << "x" << width << "x" << channels << " k" << kernel << " s" << stride);
    check(&KernelTable::depthwise, args, height, width, channels);
  }
}

// The same convolution of an image with a halo and of one without rows above and below; and the mean of what it makes.
TEST(Kernels, DepthwiseWithoutRowsOutsideAndItsMean) {
  Random random(11);
  for (int round = 0; round < 60; ++round) {
    const int kernel = 1 + 2 * random.between(0, 4), stride = random.between(1, 3), padding = kernel / 2;
    const int rows = random.between(1, 16), columns = random.between(1, 33), channels = random.between(1, 40);
    const int height = (rows - 1) / stride + 1, width = (columns - 1) / stride + 1;
    Tensor input(rows, columns, channels, padding);
    input.randomize(random);
    Floats weights(planes_of(channels) * kernel * kernel * kLanes), scale(planes_of(channels) * kLanes);
    pack_depthwise(channels, kernel * kernel, random.values(channels * kernel * kernel), weights.span());
    pack_lanes(random.values(channels), scale.span());
    DepthwiseArgs args;
    args.kernel_height = args.kernel_width = kernel;
    args.stride = stride;
    args.padding = padding;
    args.weights = weights.data();
    args.scale = args.bias = scale.data();
    args.activation = static_cast<Activation>(round % 5);
    SCOPED_TRACE(testing::Message() << rows << "x" << columns << "x" << channels << " k" << kernel << " s" << stride);
    for (Isa isa : attainable_isas()) {
      SCOPED_TRACE(isa_name(isa));
      Tensor whole(height, width, channels, 1, kUntouched), again(height, width, channels, 1, kUntouched);
      args.input = read(input.planes);
      args.output = whole.planes;
      args.input_height = 0;
      args.mean = nullptr;
      kernels(isa).depthwise(args);

      Tensor poisoned = Tensor(rows, columns, channels, padding, 1e30f);
      zero_halo(poisoned.planes, padding);
      for (int64_t plane = 0; plane < planes_of(channels); ++plane) {
        const int64_t line = poisoned.planes.row_stride, at = plane * line * (rows + 2 * padding);
        const int64_t above = line * padding, inside = line * rows;
        std::copy_n(input.floats.data() + at + above, inside, poisoned.floats.data() + at + above);
        std::fill_n(poisoned.floats.data() + at, above, 1e30f);
        std::fill_n(poisoned.floats.data() + at + above + inside, above, 1e30f);
      }
      args.input = read(poisoned.planes);
      Floats mean(planes_of(channels) * kLanes, kUntouched);
      args.output = again.planes;
      args.input_height = rows;
      args.mean = mean.data();
      kernels(isa).depthwise(args);
      const auto bytes = static_cast<size_t>(whole.floats.size()) * sizeof(float);
      ASSERT_EQ(0, std::memcmp(whole.floats.data(), again.floats.data(), bytes));
      Tensor pooled(1, 1, channels, 0);
      PoolArgs pool;
      pool.input = read(whole.planes);
      pool.input_height = height;
      pool.input_width = width;
      pool.output = pooled.planes;
      kernels(isa).global_average_pool(pool);
      for (int c = 0; c < channels; ++c) ASSERT_EQ(pooled.at(c, 0, 0), mean.data()[c]) << "mean of channel " << c;
    }
  }
}

TEST(Kernels, Elementwise) {
  Random random(2);
  for (int round = 0; round < 24; ++round) {
    const int height = random.between(1, 9), width = random.between(1, 30), channels = random.between(1, 50);
    Tensor a(height, width, channels, round % 3), b(height, width, channels, 0), pixel(1, 1, channels, 0);
    for (Tensor* t : {&a, &b, &pixel}) t->randomize(random);
    ElementwiseArgs args;
    args.a = read(a.planes);
    args.b = read(b.planes);
    args.activation = static_cast<Activation>(round % 5);
    check(&KernelTable::add, args, height, width, channels);
    check(&KernelTable::multiply, args, height, width, channels);
    args.b = read(pixel.planes);
    args.b_is_pixel = true;
    check(&KernelTable::multiply, args, height, width, channels);
    args.b = {};
    args.b_is_pixel = false;
    check(&KernelTable::activate, args, height, width, channels);
    args.activation = Activation::kNone;
    check(&KernelTable::copy, args, height, width, channels);
  }
}

TEST(Kernels, Relu6CutsAtBothEnds) {
  Tensor input(1, 3, 2, 0);
  for (int x = 0; x < 3; ++x) input.at(1, 0, x) = 7.5f * static_cast<float>(x) - 7.5f;
  ElementwiseArgs args;
  args.a = read(input.planes);
  args.activation = Activation::kRelu6;
  check(&KernelTable::activate, args, 1, 3, 2);
  Tensor output(1, 3, 2, 0);
  args.output = output.planes;
  kernels(best_isa()).activate(args);
  for (int x = 0; x < 3; ++x) EXPECT_EQ(output.at(1, 0, x), x == 2 ? 6.0f : 0.0f);
}

TEST(Kernels, Pools) {
  Random random(3);
  for (int round = 0; round < 40; ++round) {
    PoolArgs args;
    args.input_height = random.between(3, 15);
    args.input_width = random.between(3, 30);
    args.kernel = random.between(1, std::min(4, args.input_height));
    args.stride = random.between(1, 3);
    args.padding = random.between(0, args.kernel / 2);
    args.count_padding = round % 2;
    const int channels = random.between(1, 50);
    Tensor input(args.input_height, args.input_width, channels, 0);
    input.randomize(random);
    args.input = read(input.planes);
    const int height = (args.input_height + 2 * args.padding - args.kernel) / args.stride + 1;
    const int width = (args.input_width + 2 * args.padding - args.kernel) / args.stride + 1;
    SCOPED_TRACE(testing::Message() << "round " << round);
    check(&KernelTable::max_pool, args, height, width, channels);
    check(&KernelTable::average_pool, args, height, width, channels);
    check(&KernelTable::global_average_pool, args, 1, 1, channels);
  }
}

TEST(Kernels, Softmax) {
  Random random(4);
  for (int channels : {1, 10, 16, 37}) {
    Tensor input(2, 3, channels, 0);
    input.randomize(random);
    input.at(0, 0, 0) = 90.0f;
    SoftmaxArgs args;
    args.input = read(input.planes);
    check(&KernelTable::softmax, args, 2, 3, channels);
    Tensor output(2, 3, channels, 0);
    args.output = output.planes;
    kernels(best_isa()).softmax(args);
    double sum = 0;
    for (int c = 0; c < channels; ++c) sum += static_cast<double>(output.at(c, 1, 2));
    EXPECT_NEAR(1.0, sum, 1e-6);
  }
}

TEST(Kernels, AttentionMixesValuesBySimilarity) {
  Random random(5);
  const int rows = 3, keys = 5, heads = 2, channels = 32;
  Tensor q(rows, 1, channels, 0), k(keys, 1, channels, 0), v(keys, 1, channels, 0), out(rows, 1, channels, 0);
  for (Tensor* t : {&q, &k, &v}) t->randomize(random);
  Floats scratch(heads * rows * keys);
  AttentionArgs args{read(q.planes), read(k.planes), read(v.planes), out.planes, heads, keys, true, scratch.data()};
  check(&KernelTable::attention, args, rows, 1, channels);
  kernels(Isa::kReference).attention(args);
  for (int head = 0; head < heads; ++head) {
    for (int row = 0; row < rows; ++row) {
      const int seen = keys - rows + row + 1;
      std::vector<double> share;
      double sum = 0;
      for (int j = 0; j < seen; ++j) {
        double dot = 0;
        for (int c = 0; c < 16; ++c) {
          dot += static_cast<double>(q.at(head * 16 + c, row, 0)) * static_cast<double>(k.at(head * 16 + c, j, 0));
        }
        share.push_back(std::exp(dot / 4.0));
        sum += share.back();
      }
      for (int c = head * 16; c < head * 16 + 16; ++c) {
        double mixed = 0;
        for (int j = 0; j < seen; ++j)
          mixed += share[static_cast<size_t>(j)] / sum * static_cast<double>(v.at(c, j, 0));
        EXPECT_NEAR(mixed, static_cast<double>(out.at(c, row, 0)), 1e-5);
      }
    }
  }
}

TEST(Kernels, ImagesBecomePlanesAndBack) {
  Random random(6);
  for (int channels : {1, 3, 4, 20}) {
    const int height = 5, width = 7;
    std::vector<uint8_t> pixels(static_cast<size_t>(height * width * channels));
    for (uint8_t& byte : pixels) byte = static_cast<uint8_t>(random.bits());
    std::vector<float> mean(static_cast<size_t>(channels), 0.4f), deviation(static_cast<size_t>(channels), 0.2f);
    const std::vector<float> table = preprocessing_table(mean, deviation);
    check(&KernelTable::from_bytes, {pixels.data(), table.data(), {}}, height, width, channels);
    Tensor planes(height, width, channels, 1, kUntouched);
    kernels(best_isa()).from_bytes({pixels.data(), table.data(), planes.planes});
    std::vector<float> floats(pixels.size());
    to_floats(read(planes.planes), height, width, channels, floats.data());
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < width; ++x) {
        for (int c = 0; c < channels; ++c) {
          const float byte = pixels[static_cast<size_t>((y * width + x) * channels + c)];
          EXPECT_EQ((byte / 255.0f - 0.4f) / 0.2f, floats[static_cast<size_t>((c * height + y) * width + x)]);
        }
      }
    }
    check(&KernelTable::from_floats, {floats.data(), {}}, height, width, channels);
    if (channels <= kNarrowLanes) {
      std::vector<float> narrow(static_cast<size_t>((height + 1) * (width + 2) * kNarrowLanes), kUntouched);
      const Planes out{narrow.data() + kNarrowLanes, 0, (width + 2) * kNarrowLanes, height, width, channels};
      for (const bool bytes : {true, false}) {
        std::fill(narrow.begin(), narrow.end(), kUntouched);
        if (bytes) kernels(best_isa()).from_bytes({pixels.data(), table.data(), out, kNarrowLanes});
        if (!bytes) kernels(best_isa()).from_floats({floats.data(), out, kNarrowLanes});
        for (int y = 0; y < height; ++y) {
          const float* const line = out.data + y * out.row_stride;
          for (int x = 0; x < width * kNarrowLanes; ++x) {
            const int c = x % kNarrowLanes;
            EXPECT_EQ(line[x], c < channels ? planes.at(c, y, x / kNarrowLanes) : 0.0f);
          }
          EXPECT_EQ(line[-1], kUntouched);
          EXPECT_EQ(line[width * kNarrowLanes], kUntouched);
        }
      }
    }
    zero_halo(planes.planes, 1);
    Tensor again(height, width, channels, 1);
    kernels(best_isa()).from_floats({floats.data(), again.planes});
    EXPECT_EQ(0, std::memcmp(planes.floats.data(), again.floats.data(),
                             sizeof(float) * static_cast<size_t>(planes.floats.size())));
  }
}

TEST(Isa, NamesAndForcing) {
  EXPECT_EQ(Isa::kReference, attainable_isas().front());
  for (Isa isa : attainable_isas()) {
    EXPECT_EQ(isa, find_isa(isa_name(isa)));
    EXPECT_EQ(isa, kernels(isa).isa);
  }
  try {
    find_isa("mmx");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(ErrorCode::kInvalidArgument, error.code());
    EXPECT_NE(nullptr, std::strstr(error.what(), "legal: reference"));
  }
}

}  // namespace
}  // namespace limber::kernels
