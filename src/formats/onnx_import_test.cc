// SPDX-License-Identifier: Apache-2.0
// Each operator, in files made here, against its plain definition; what is written in many ways becomes one kernel.
#include "formats/onnx_import.h"

#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "base/error.h"
#include "formats/onnx_test_graph.h"

namespace limber {
namespace {

using toy::file;
using toy::made;
using toy::Picture;
using toy::shape_of;
using toy::Slide;

Network expect(const Picture& in, const Picture& out, const std::function<void(OnnxGraph&)>& build) {
  const OnnxImport result = toy::import_text(file(in, shape_of(out), build));
  const std::vector<float> found = toy::answer_of(result.network, in.values);
  EXPECT_EQ(found.size(), out.values.size());
  for (std::size_t i = 0; i < std::min(found.size(), out.values.size()); ++i)
    EXPECT_NEAR(found[i], out.values[i], 1e-5 * std::max(1.0f, std::abs(out.values[i]))) << i;
  return result.network;
}

// The nodes after the input: "conv2d+relu multiply".
std::string operators(const Network& network) {
  std::vector<std::string> texts;
  for (std::size_t i = 1; i < network.graph.nodes.size(); ++i) {
    const Node& node = network.graph.nodes[i];
    const bool active = node.activation != Activation::kNone;
    texts.push_back(fmt::format("{}{}{}{}", node.depthwise ? "depthwise" : op_name(node.op),
                                node.residual >= 0 ? "+residual" : "", active ? "+" : "",
                                active ? activation_name(node.activation) : ""));
  }
  return fmt::format("{}", fmt::join(texts, " "));
}

void set_slide(onnx::NodeProto* node, const Slide& s) {
  OnnxGraph::set(node, "kernel_shape", s.kernel);
  OnnxGraph::set(node, "strides", s.strides);
  OnnxGraph::set(node, "pads", s.pads);
  if (node->op_type() == "Conv") OnnxGraph::set(node, "dilations", s.dilations);
}

float six(float x) {
  return std::clamp(x + 3, 0.0f, 6.0f) / 6;
}

void expect_conv(const Picture& in, const Slide& s, int64_t outputs, int64_t groups, const std::string& wanted) {
  SCOPED_TRACE(wanted);
  const std::vector<int64_t> shape{outputs, in.channels / groups, s.kernel[0], s.kernel[1]};
  const std::vector<float> weight = toy::random_values(shape[0] * shape[1] * shape[2] * shape[3], 11),
                           bias = toy::random_values(outputs, 12);
  const Network network = expect(in, plain_conv(in, s, weight, bias, groups), [&](OnnxGraph& g) {
    g.constant("w", shape, weight);
    g.constant("b", {outputs}, bias);
    onnx::NodeProto* node = g.add("Conv", {"x", "w", "b"}, "y");
    set_slide(node, s);
    OnnxGraph::set(node, "group", groups);
  });
  EXPECT_EQ(operators(network), wanted);
}

TEST(OnnxImport, Convolutions) {
  const Picture in = toy::picture(18, 11, 9);
  expect_conv(in, {{3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}}, 20, 1, "conv2d");
  expect_conv(in, {{5, 5}, {2, 2}, {1, 1}, {2, 2, 2, 2}}, 7, 1, "conv2d");
  expect_conv(in, {{3, 3}, {2, 2}, {1, 1}, {1, 1, 1, 1}}, 18, 18, "depthwise");
  expect_conv(in, {{3, 3}, {1, 1}, {1, 1}, {0, 0, 0, 0}}, 12, 3, "conv2d");
  expect_conv(in, {{1, 1}, {1, 1}, {1, 1}, {0, 0, 0, 0}}, 36, 18, "conv2d");  // two filters a channel
}

TEST(OnnxImport, ConvolutionsThatAreNotSquareBecomeWider) {
  const Picture in = toy::picture(5, 12, 10);
  expect_conv(in, {{3, 3}, {2, 2}, {1, 1}, {0, 0, 1, 1}}, 6, 1, "conv2d");  // TensorFlow's SAME
  expect_conv(in, {{3, 3}, {1, 1}, {1, 1}, {1, 0, 0, 1}}, 6, 1, "conv2d");
  expect_conv(in, {{1, 5}, {1, 1}, {1, 1}, {0, 2, 0, 2}}, 6, 1, "conv2d");
  expect_conv(in, {{3, 3}, {1, 1}, {2, 2}, {2, 2, 2, 2}}, 5, 5, "depthwise");
  expect_conv(in, {{12, 10}, {1, 3}, {1, 1}, {0, 0, 0, 0}}, 3, 1, "conv2d");
}

TEST(OnnxImport, NormsActivationsAndResidualsJoinTheConvolution) {
  const Picture in = toy::picture(8, 6, 6);
  const std::vector<float> weight = toy::random_values(8 * 8 * 9, 5), none(8, 0.0f), w = toy::random_values(8, 6),
                           b = toy::random_values(8, 7), mean = toy::random_values(8, 8), variance(8, 0.7f);
  const Slide s{{3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}};
  const Picture sums = plain_conv(in, s, weight, none);
  const auto value = [&](int64_t c, int64_t y, int64_t x) {
    const auto i = static_cast<std::size_t>(c);
    return (sums.get(c, y, x) - mean[i]) / std::sqrt(variance[i] + 1e-5f) * w[i] + b[i] + in.get(c, y, x);
  };
  const auto norm = [&](OnnxGraph& g, const std::string& from, const std::string& to) {
    g.constant("w", {8}, w), g.constant("b", {8}, b), g.constant("m", {8}, mean), g.constant("v", {8}, variance);
    g.add("BatchNormalization", {from, "w", "b", "m", "v"}, to);
  };
  for (const bool first : {false, true}) {
    const Network network = expect(
        in, made(8, 6, 6, [&](auto c, auto y, auto x) { return std::max(0.0f, value(c, y, x)); }), [&](OnnxGraph& g) {
          g.constant("k", {8, 8, 3, 3}, weight);
          set_slide(g.add("Conv", {"x", "k"}, "c"), s);
          norm(g, "c", "n");
          g.add("Add", first ? std::vector<std::string>{"x", "n"} : std::vector<std::string>{"n", "x"}, "a");
          g.add("Relu", {"a"}, "y");
        });
    EXPECT_EQ(operators(network), "conv2d+residual+relu");
    EXPECT_TRUE(network.graph.nodes[1].norm.has_value());
  }
  // A norm before the convolution stays a node of its own.
  const Picture normed = made(8, 6, 6, [&](auto c, auto y, auto x) {
    const auto i = static_cast<std::size_t>(c);
    return std::max(0.0f, (in.get(c, y, x) - mean[i]) / std::sqrt(variance[i] + 1e-5f) * w[i] + b[i]);
  });
  const Network network = expect(in, plain_conv(normed, s, weight, none), [&](OnnxGraph& g) {
    g.constant("k", {8, 8, 3, 3}, weight);
    norm(g, "x", "n");
    g.add("Relu", {"n"}, "r");
    set_slide(g.add("Conv", {"r", "k"}, "y"), s);
  });
  EXPECT_EQ(operators(network), "depthwise+relu conv2d");
}

TEST(OnnxImport, ScalesAndShiftsJoinTheConvolution) {
  const Picture in = toy::picture(4, 5, 5);
  const std::vector<float> weight = toy::random_values(6 * 4, 5), scale = toy::random_values(6, 6), bias(6, 0.25f);
  const Slide s{{1, 1}, {1, 1}, {1, 1}, {0, 0, 0, 0}};
  const Picture sums = plain_conv(in, s, weight, bias);
  const Picture out = made(6, 5, 5, [&](int64_t c, int64_t y, int64_t x) {
    return 2 - (sums.get(c, y, x) * scale[static_cast<std::size_t>(c)] - 0.5f) / 4;
  });
  const Network network = expect(in, out, [&](OnnxGraph& g) {
    g.constant("k", {6, 4, 1, 1}, weight), g.constant("kb", {6}, bias);
    g.add("Conv", {"x", "k", "kb"}, "c");
    g.add("Mul", {"c", g.constant("s", {1, 6, 1, 1}, scale)}, "m");
    g.add("Sub", {"m", g.constant("half", {}, std::vector<float>{0.5f})}, "h");
    g.add("Div", {"h", g.constant("four", {1}, std::vector<float>{4})}, "d");
    g.add("Sub", {g.constant("two", {1}, std::vector<float>{2}), "d"}, "y");
  });
  EXPECT_EQ(operators(network), "conv2d");
}

TEST(OnnxImport, EveryFormOfHardSwishIsOne) {
  const Picture in = toy::made(4, 5, 5, [](int64_t c, int64_t y, int64_t x) {
    return static_cast<float>((c * 25 + y * 5 + x) % 17 - 8) * 0.6f;
  });
  const Picture out = plain_map(in, [](float x) { return x * six(x); });
  const auto number = [](OnnxGraph& g, const std::string& name, float value) {
    return g.constant(name, {}, std::vector<float>{value});
  };
  const auto clipped = [&](OnnxGraph& g, bool relu) {
    g.add("Add", {"x", number(g, "three", 3)}, "a");
    if (relu) g.add("Relu", {"a"}, "r");
    g.add("Clip", {relu ? "r" : "a", number(g, "low", 0), number(g, "high", 6)}, "c");
  };
  const std::vector<std::function<void(OnnxGraph&)>> forms = {
      [&](OnnxGraph& g) {
        clipped(g, false);
        g.add("Mul", {"x", "c"}, "m");
        g.add("Div", {"m", number(g, "six", 6)}, "y");
      },
      [&](OnnxGraph& g) {
        clipped(g, true);
        g.add("Mul", {"c", number(g, "sixth", 1.0f / 6)}, "m");
        g.add("Mul", {"m", "x"}, "y");
      },
      [&](OnnxGraph& g) {
        onnx::NodeProto* node = g.add("HardSigmoid", {"x"}, "h");
        OnnxGraph::set(node, "alpha", 1.0f / 6);
        g.add("Mul", {"x", "h"}, "y");
      },
      [&](OnnxGraph& g) { g.add("HardSwish", {"x"}, "y"); },
  };
  for (const auto& form : forms) EXPECT_EQ(operators(expect(in, out, form)), "activation+hard_swish");
}

TEST(OnnxImport, Activations) {
  const Picture in = toy::made(
      3, 4, 4, [](int64_t c, int64_t y, int64_t x) { return static_cast<float>((c * 16 + y * 4 + x) % 19 - 9); });
  const auto clip = [](float low, float high) {
    return [=](OnnxGraph& g) {
      g.add("Clip", {"x", g.constant("l", {}, std::vector<float>{low}), g.constant("h", {}, std::vector<float>{high})},
            "y");
    };
  };
  EXPECT_EQ(operators(expect(in, plain_map(in, [](float x) { return std::clamp(x, 0.0f, 6.0f); }), clip(0, 6))),
            "activation+relu6");
  EXPECT_EQ(operators(expect(in, plain_map(in, [](float x) { return std::clamp(x, 0.0f, 6.0f); }),
                             [](OnnxGraph& g) {
                               g.add("Relu", {"x"}, "r");
                               g.add("Clip", {"r", "", g.constant("h", {}, std::vector<float>{6})}, "y");
                             })),
            "activation+relu6");
  expect(in, plain_map(in, [](float x) { return std::max(x, 0.0f); }), clip(0, 3.4028235e38f));
  expect(in, plain_map(in, [](float x) { return std::clamp(0.2f * x + 0.5f, 0.0f, 1.0f); }),
         [](OnnxGraph& g) { g.add("HardSigmoid", {"x"}, "y"); });  // Keras' own
  const Picture exponents = plain_map(in, [](float x) { return std::exp(x); });
  expect(in,
         made(3, 4, 4,
              [&](int64_t c, int64_t y, int64_t x) {
                float sum = 0;
                for (int64_t k = 0; k < 3; ++k) sum += exponents.get(k, y, x);
                return exponents.get(c, y, x) / sum;
              }),
         [](OnnxGraph& g) { OnnxGraph::set(g.add("Softmax", {"x"}, "y"), "axis", int64_t{1}); });
}

TEST(OnnxImport, Pools) {
  const Picture in = toy::picture(5, 8, 8);
  const Slide s{{3, 3}, {2, 2}, {1, 1}, {1, 1, 1, 1}}, whole{{8, 8}, {1, 1}, {1, 1}, {0, 0, 0, 0}};
  expect(in, plain_max_pool(in, s), [&](OnnxGraph& g) { set_slide(g.add("MaxPool", {"x"}, "y"), s); });
  expect(in, plain_average(in, s), [&](OnnxGraph& g) {
    onnx::NodeProto* node = g.add("AveragePool", {"x"}, "y");
    set_slide(node, s);
    OnnxGraph::set(node, "count_include_pad", int64_t{1});
  });
  const Picture mean = plain_average(in, whole);
  EXPECT_EQ(operators(expect(in, mean, [&](OnnxGraph& g) { set_slide(g.add("AveragePool", {"x"}, "y"), whole); })),
            "global_average_pool");
  expect(in, mean, [&](OnnxGraph& g) { g.add("GlobalAveragePool", {"x"}, "y"); });
  expect(in, mean, [&](OnnxGraph& g) { OnnxGraph::set(g.add("ReduceMean", {"x"}, "y"), "axes", {2, 3}); });
}

TEST(OnnxImport, BordersJoinWhatFollows) {
  const Picture in = plain_map(toy::picture(5, 8, 8), [](float x) { return std::max(x, 0.0f); });
  const Slide s{{3, 3}, {2, 2}, {1, 1}, {1, 1, 1, 1}};
  const auto pad = [](OnnxGraph& g, const std::string& from) {
    g.add("Pad", {from, g.constant("pads", {8}, std::vector<int64_t>{0, 0, 1, 1, 0, 0, 1, 1})}, "p");
  };
  Slide bare = s;
  bare.pads = {0, 0, 0, 0};
  expect(in, plain_max_pool(in, s), [&](OnnxGraph& g) {
    g.add("Relu", {"x"}, "r");  // so that zeros are as good as nothing
    pad(g, "r");
    set_slide(g.add("MaxPool", {"p"}, "y"), bare);
  });
  const std::vector<float> weight = toy::random_values(2 * 5 * 9, 4);
  const Network network = expect(in, plain_conv(in, s, weight, {0, 0}), [&](OnnxGraph& g) {
    pad(g, "x");
    g.constant("w", {2, 5, 3, 3}, weight);
    set_slide(g.add("Conv", {"p", "w"}, "y"), bare);
  });
  EXPECT_EQ(operators(network), "conv2d");
}

TEST(OnnxImport, SqueezeAndExcite) {
  const Picture in = toy::picture(6, 4, 4);
  const std::vector<float> matrix = toy::random_values(36, 2), none(6, 0);
  const Picture mean = plain_average(in, {{4, 4}, {1, 1}, {1, 1}, {0, 0, 0, 0}});
  const Picture sums = plain_conv(mean, {{1, 1}, {1, 1}, {1, 1}, {0, 0, 0, 0}}, matrix, none);
  const Picture out =
      made(6, 4, 4, [&](int64_t c, int64_t y, int64_t x) { return in.get(c, y, x) * six(sums.get(c, 0, 0)); });
  for (const bool swapped : {false, true}) {
    const Network network = expect(in, out, [&](OnnxGraph& g) {
      g.add("GlobalAveragePool", {"x"}, "m");
      g.add("Flatten", {"m"}, "f");
      OnnxGraph::set(g.add("Gemm", {"f", g.constant("w", {6, 6}, matrix)}, "l"), "transB", int64_t{1});
      OnnxGraph::set(g.add("HardSigmoid", {"l"}, "h"), "alpha", 1.0f / 6);
      g.add("Unsqueeze", {"h", g.constant("axes", {2}, std::vector<int64_t>{2, 3})}, "u");
      g.add("Mul", swapped ? std::vector<std::string>{"u", "x"} : std::vector<std::string>{"x", "u"}, "y");
    });
    EXPECT_EQ(operators(network), "global_average_pool linear+hard_sigmoid multiply");
  }
}

TEST(OnnxImport, FlattenedImagesInEveryWriting) {
  const Picture in = toy::picture(3, 4, 5);
  const std::vector<float> matrix = toy::random_values(7 * 60, 2), bias = toy::random_values(7, 9);
  const Picture sums = plain_conv(in, {{4, 5}, {1, 1}, {1, 1}, {0, 0, 0, 0}}, matrix, bias);
  std::vector<float> turned(60 * 7), last(60 * 7);  // [K][N]; the same with channels last
  for (std::size_t n = 0; n < 7; ++n) {
    for (std::size_t k = 0; k < 60; ++k) {
      turned[k * 7 + n] = matrix[n * 60 + k];
      last[(k % 20 * 3 + k / 20) * 7 + n] = matrix[n * 60 + k];
    }
  }
  const auto run = [&](const std::function<void(OnnxGraph&)>& build) {
    const OnnxImport result = toy::import_text(file(in, {1, 7}, build));
    const std::vector<float> found = toy::answer_of(result.network, in.values);
    ASSERT_EQ(found.size(), 7u);
    for (std::size_t i = 0; i < 7; ++i) EXPECT_NEAR(found[i], sums.values[i], 1e-5) << i;
  };
  run([&](OnnxGraph& g) {
    g.add("Flatten", {"x"}, "f");
    OnnxGraph::set(g.add("Gemm", {"f", g.constant("w", {7, 60}, matrix), g.constant("b", {7}, bias)}, "y"), "transB",
                   int64_t{1});
  });
  run([&](OnnxGraph& g) {  // as PyTorch writes x.view(x.size(0), -1), and a bias added apart
    g.add("Shape", {"x"}, "s");
    g.add("Gather", {"s", g.constant("zero", {}, std::vector<int64_t>{0})}, "n");
    g.add("Unsqueeze", {"n", g.constant("axis", {1}, std::vector<int64_t>{0})}, "u");
    OnnxGraph::set(g.add("Concat", {"u", g.constant("rest", {1}, std::vector<int64_t>{-1})}, "shape"), "axis",
                   int64_t{0});
    g.add("Reshape", {"x", "shape"}, "f");
    g.add("MatMul", {"f", g.constant("w", {60, 7}, turned)}, "m");
    g.add("Add", {"m", g.constant("b", {7}, bias)}, "y");
  });
  run([&](OnnxGraph& g) {  // as TensorFlow's converter does
    g.add("Identity", {"x"}, "i");
    OnnxGraph::set(g.add("Transpose", {"i"}, "t"), "perm", {0, 2, 3, 1});
    g.add("Reshape", {"t", g.constant("shape", {2}, std::vector<int64_t>{1, 60})}, "f");
    g.add("MatMul", {"f", g.constant("w", {60, 7}, last)}, "m");
    g.add("Add", {g.constant("b", {1, 7}, bias), "m"}, "y");
  });
}

TEST(OnnxImport, ConcatenationAndSlicesOfChannels) {
  const Picture in = toy::picture(20, 4, 4);
  const auto relu = [](float x) { return std::max(x, 0.0f); };
  // [relu(x), x][15..30), summed with itself
  const Picture out = made(15, 4, 4, [&](int64_t c, int64_t y, int64_t x) {
    const int64_t at = c + 15;
    return 2 * (at < 20 ? relu(in.get(at, y, x)) : in.get(at - 20, y, x));
  });
  expect(in, out, [&](OnnxGraph& g) {
    g.add("Relu", {"x"}, "r");
    OnnxGraph::set(g.add("Concat", {"r", "x"}, "c"), "axis", int64_t{1});
    g.add("Slice",
          {"c", g.constant("from", {1}, std::vector<int64_t>{-25}), g.constant("to", {1}, std::vector<int64_t>{30}),
           g.constant("axis", {1}, std::vector<int64_t>{-3})},
          "s");
    g.add("Add", {"s", "s"}, "y");
  });
}

TEST(OnnxImport, ChannelsLastAndOpenExtents) {
  const Picture in = toy::picture(3, 4, 6);
  OnnxGraph graph;
  graph.add_input("x", {1, 4, 6, 3});
  OnnxGraph::set(graph.add("Transpose", {"x"}, "t"), "perm", {0, 3, 1, 2});
  graph.add("GlobalAveragePool", {"t"}, "p");
  graph.add("Flatten", {"p"}, "y");
  graph.add_output("y", {1, 3});
  onnx::ModelProto model = graph.finish("last", {});
  const OnnxImport fixed = toy::import_text(model.SerializeAsString());
  const Picture mean = plain_average(in, {{4, 6}, {1, 1}, {1, 1}, {0, 0, 0, 0}});
  const std::vector<float> found = toy::answer_of(fixed.network, in.values);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_NEAR(found.at(i), mean.values[i], 1e-6);
  ASSERT_EQ(fixed.notes.size(), 1u);
  EXPECT_NE(fixed.notes[0].find("channels are last"), std::string::npos);

  auto* dims = model.mutable_graph()->mutable_input(0)->mutable_type()->mutable_tensor_type()->mutable_shape();
  dims->mutable_dim(0)->set_dim_param("N");
  dims->mutable_dim(1)->set_dim_param("rows");
  const std::string open = model.SerializeAsString();
  EXPECT_THROW(toy::import_text(open), Error);
  EXPECT_THROW(toy::import_text(open, "open", {"", {3, 4, 7}}), Error);
  const OnnxImport sized = toy::import_text(open, "open", {"", {3, 9, 6}});
  EXPECT_EQ(sized.network.graph.nodes[0].height.constant, 9);
  EXPECT_NE(sized.notes.at(0).find("batch is taken as 1"), std::string::npos);
}

TEST(OnnxImport, HalvesStayHalves) {
  const Picture in = toy::picture(2, 3, 3);
  onnx::ModelProto model;
  ASSERT_TRUE(model.ParseFromString(file(in, {1, 1, 3, 3}, [](OnnxGraph& g) {
    g.add("Conv", {"x", g.constant("w", {1, 2, 1, 1}, std::vector<float>{0, 0})}, "y");
  })));
  onnx::TensorProto* weight = model.mutable_graph()->mutable_initializer(0);
  weight->clear_float_data(), weight->clear_raw_data();
  weight->set_data_type(onnx::TensorProto::FLOAT16);
  weight->add_int32_data(0x3c00), weight->add_int32_data(0xc000);  // 1, -2
  const OnnxImport result = toy::import_text(model.SerializeAsString());
  EXPECT_EQ(result.network.tensors.at(0).dtype, DType::kF16);
  const std::vector<float> found = toy::answer_of(result.network, in.values);
  for (std::size_t i = 0; i < 9; ++i) EXPECT_NEAR(found[i], in.values[i] - 2 * in.values[9 + i], 1e-6);
}

}  // namespace
}  // namespace limber
