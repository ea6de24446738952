// SPDX-License-Identifier: Apache-2.0
// ONNX files that are damaged, foreign, hostile, or just not for us: each is refused with what and where.
#include <gtest/gtest.h>

#include <filesystem>
#include <random>

#include "base/error.h"
#include "base/test_folder.h"
#include "formats/onnx_test_graph.h"

namespace limber {
namespace {

// conv -> relu -> pool -> gemm, all weights in the file.
onnx::ModelProto good() {
  OnnxGraph graph;
  graph.add_input("x", {1, 3, 6, 6});
  graph.constant("w", {4, 3, 3, 3}, toy::random_values(108));
  graph.constant("m", {4, 5}, toy::random_values(20));
  graph.add("Conv", {"x", "w"}, "c");
  graph.add("Relu", {"c"}, "r");
  graph.add("GlobalAveragePool", {"r"}, "p");
  graph.add("Flatten", {"p"}, "f");
  graph.add("MatMul", {"f", "m"}, "y");
  graph.add_output("y", {1, 5});
  return graph.finish("good", {});
}

std::string message(const std::string& bytes) {
  try {
    toy::import_text(bytes, "hostile.onnx");
  } catch (const Error& error) {
    EXPECT_NE(error.code(), ErrorCode::kInternal) << error.what();
    EXPECT_NE(std::string(error.what()).find("hostile.onnx"), std::string::npos) << error.what();
    return error.what();
  }
  return "accepted";
}

// What is said about the good file after `change`.
std::string changed(const std::function<void(onnx::GraphProto&)>& change) {
  onnx::ModelProto model = good();
  change(*model.mutable_graph());
  return message(model.SerializeAsString());
}

void expect_says(const std::string& said, const std::string& wanted) {
  EXPECT_NE(said.find(wanted), std::string::npos) << "expected '" << wanted << "' in: " << said;
}

TEST(OnnxHostile, TheFileItselfIsGood) {
  EXPECT_EQ(message(good().SerializeAsString()), "accepted");
}

// Found by the fuzzer: neither had numbers to add, and both were taken for whole numbers.
TEST(OnnxHostile, SumsOfConstantsThatAreNoNumbers) {
  const std::string said = changed([](onnx::GraphProto& graph) {
    for (const char* name : {"text1", "text2"}) {
      onnx::TensorProto* text = graph.add_initializer();
      text->set_name(name);
      text->set_data_type(onnx::TensorProto::STRING);
      text->add_dims(1);
      text->add_string_data("a", 1);
    }
    onnx::NodeProto* sum = graph.add_node();
    sum->set_op_type("Add");
    sum->add_input("text1");
    sum->add_input("text2");
    sum->add_output("sum");
    graph.mutable_node(graph.node_size() - 2)->set_input(1, "sum");  // the last layer multiplies by it
    graph.mutable_node()->SwapElements(graph.node_size() - 2, graph.node_size() - 1);
  });
  expect_says(said, "Add");
  expect_says(said, "of STRING and STRING");
}

TEST(OnnxHostile, TruncatedAndForeignBytes) {
  const std::string bytes = good().SerializeAsString();
  for (std::size_t length = 0; length < bytes.size(); length += 3)
    EXPECT_NE(message(bytes.substr(0, length)), "accepted");
  std::mt19937 random(5);
  for (int i = 0; i < 300; ++i) {
    std::string noise(random() % 200, '\0');
    for (char& c : noise) c = static_cast<char>(random());
    EXPECT_NE(message(noise), "accepted");
    std::string flipped = bytes;
    flipped[random() % flipped.size()] = static_cast<char>(random());
    message(flipped);  // either is fine; nothing else may happen
  }
  expect_says(message("{\"format\": \"json\"}"), "no ONNX file");
}

TEST(OnnxHostile, NodesThatReadWhatIsNotThere) {
  expect_says(changed([](auto& g) { g.mutable_node(0)->set_input(0, std::string("r")); }),
              "node 'c': its input 'r' is made by no earlier node");
  expect_says(changed([](auto& g) { g.mutable_initializer(0)->set_name("other"); }), "its input 'w' is made by no");
  expect_says(changed([](auto& g) { g.mutable_node(1)->set_output(0, std::string("c")); }), "tensor 'c' is made twice");
  expect_says(changed([](auto& g) { g.mutable_output(0)->set_name("z"); }), "its output 'z' is made by no node");
  expect_says(changed([](auto& g) { g.clear_node(); }), "made by no node");
}

TEST(OnnxHostile, WrongShapes) {
  const auto weight = [](std::vector<int64_t> dims) {
    return changed([&](auto& g) {
      g.mutable_initializer(0)->clear_dims();
      for (const int64_t extent : dims) g.mutable_initializer(0)->add_dims(extent);
    });
  };
  expect_says(weight({4, 3, 3, -3}), "initialiser 'w': shape [4, 3, 3, -3]");
  expect_says(weight({int64_t{1} << 40, int64_t{1} << 40}), "initialiser 'w': shape");
  expect_says(weight({1 << 30, 1 << 30, 1 << 30}), "initialiser 'w': shape");
  expect_says(weight({4, 3, 3, 4}), "its shape [4, 3, 3, 4] needs 576");
  expect_says(weight({12, 1, 3, 3}), "Conv 'c': a weight of [12, 1, 3, 3] with 1 groups for 3 channels");
  expect_says(weight({4, 27}), "Conv 'c': a weight of [4, 27]");
  expect_says(weight({1, 1, 1, 1, 1, 1, 1, 1, 108}), "9 dimensions");
  expect_says(
      changed([](auto& g) { g.mutable_initializer(1)->set_dims(0, 5), g.mutable_initializer(1)->set_dims(1, 4); }),
      "MatMul 'y': a matrix of [5, 4] for [1, 4]");
  const auto extent = [](int64_t value) {
    return changed([&](auto& g) {
      g.mutable_input(0)->mutable_type()->mutable_tensor_type()->mutable_shape()->mutable_dim(2)->set_dim_value(value);
    });
  };
  expect_says(extent(-5), "'x': an extent of -5");
  expect_says(extent(int64_t{1} << 50), "'x': an extent of");
  expect_says(extent(100000), "an extent of 100000");
  expect_says(extent(2), "Conv 'c': a kernel of 3 on 2 padded pixels");
  expect_says(
      changed([](auto& g) {
        g.mutable_output(0)->mutable_type()->mutable_tensor_type()->mutable_shape()->mutable_dim(1)->set_dim_value(7);
      }),
      "its output is [1, 5]");
}

TEST(OnnxHostile, AttributesOutOfAllRange) {
  const auto conv = [](const char* name, const std::vector<int64_t>& values) {
    return changed([&](auto& g) { OnnxGraph::set(g.mutable_node(0), name, values); });
  };
  for (const char* name : {"pads", "strides", "dilations", "kernel_shape"}) {
    for (const int64_t value : {INT64_MIN, int64_t{-1}, int64_t{1} << 40, INT64_MAX}) {
      expect_says(conv(name, std::vector<int64_t>(name[0] == 'p' ? 4 : 2, value)), "Conv 'c': ");
    }
    expect_says(conv(name, {1, 1, 1}), "Conv 'c': ");
  }
  expect_says(conv("pads", {200, 200, 200, 200}), "Conv 'c': ");
  for (const int64_t groups : {INT64_MIN, int64_t{0}, int64_t{3}, INT64_MAX}) {
    expect_says(changed([&](auto& g) { OnnxGraph::set(g.mutable_node(0), "group", groups); }), "Conv 'c': a weight of");
  }
  expect_says(changed([](auto& g) { OnnxGraph::set(g.mutable_node(0), "group", 1.5f); }), "of kind FLOAT; legal: INT");
}

TEST(OnnxHostile, EveryUnsupportedNodeIsListed) {
  const std::string said = changed([](auto& g) {
    g.mutable_node(1)->set_op_type("Erf");
    g.mutable_node(3)->set_op_type("LSTM"), g.mutable_node(3)->set_domain("com.example");
  });
  expect_says(said, "2 of 5 nodes");
  expect_says(said, "Erf 'r'");
  expect_says(said, "com.example.LSTM 'f'");
  expect_says(said, "supported are, of opset 7 to 22: Add, AveragePool");
}

TEST(OnnxHostile, FormsThatAreNotRead) {
  onnx::ModelProto model = good();
  model.mutable_opset_import(0)->set_version(5);
  expect_says(message(model.SerializeAsString()), "opset 5; read are 7 to 22");
  expect_says(changed([](auto& g) { *g.add_input() = g.input(0), g.mutable_input(1)->set_name("second"); }),
              "inputs x, second; legal: one image");
  expect_says(changed([](auto& g) { g.add_output()->set_name("r"); }), "outputs y, r; legal: one");
  expect_says(changed([](auto& g) { g.mutable_initializer(0)->set_data_type(onnx::TensorProto::INT8); }),
              "Conv 'c': the weight is INT8");
  expect_says(
      changed([](auto& g) {
        g.mutable_input(0)->mutable_type()->mutable_tensor_type()->mutable_shape()->mutable_dim(0)->set_dim_value(8);
      }),
      "a batch of 8");
}

TEST(OnnxHostile, FloodsAndNests) {
  std::string empty_nodes;  // two bytes each, and an object of a hundred if parsed
  for (int i = 0; i < (1 << 20) + 10; ++i) empty_nodes += std::string("\x0a\x00", 2);
  std::string length;
  for (std::size_t rest = empty_nodes.size(); rest > 0; rest >>= 7)
    length += static_cast<char>((rest & 127) | (rest > 127 ? 128 : 0));
  expect_says(message(fmt::format("\x3a{}{}", length, empty_nodes)), "more than 1048576 fields");
  onnx::ModelProto nested = good();
  onnx::GraphProto* graph = nested.mutable_graph();
  for (int i = 0; i < 2000; ++i) {
    onnx::NodeProto* node = graph->add_node();
    node->set_op_type("If");
    onnx::AttributeProto* attribute = node->add_attribute();
    attribute->set_name("then_branch");
    graph = attribute->mutable_g();
  }
  expect_says(message(nested.SerializeAsString()), "no ONNX file");
}

TEST(OnnxHostile, ChannelsThatDoubleFortyTimes) {
  OnnxGraph graph;
  graph.add_input("x", {1, 64, 1, 1});
  std::string before = "x";
  for (int i = 0; i < 40; ++i) {
    OnnxGraph::set(graph.add("Concat", {before, before}, fmt::format("c{}", i)), "axis", int64_t{1});
    before = fmt::format("c{}", i);
  }
  graph.add_output(before, {1, 64});
  expect_says(message(graph.finish("doubled", {}).SerializeAsString()), "Concat 'c");
}

class OnnxBeside : public FolderTest {
 protected:
  std::string model(const std::string& location, int64_t offset = 0, const std::string& length = "432") {
    onnx::ModelProto model = good();
    onnx::TensorProto* weight = model.mutable_graph()->mutable_initializer(0);
    weight->clear_float_data(), weight->clear_raw_data();
    weight->set_data_location(onnx::TensorProto::EXTERNAL);
    for (const auto& [key, value] : {std::pair<std::string, std::string>{"location", location},
                                     {"offset", std::to_string(offset)},
                                     {"length", length}}) {
      weight->add_external_data()->set_key(key);
      weight->mutable_external_data(weight->external_data_size() - 1)->set_value(value);
    }
    return put("folder/model.onnx", model.SerializeAsString());
  }
  std::string said(const std::string& file) {
    try {
      import_onnx({file});
    } catch (const Error& error) {
      return error.what();
    }
    return "accepted";
  }
};

TEST_F(OnnxBeside, WeightsBesideTheModelAndNowhereElse) {
  const std::vector<float> values = toy::random_values(108);
  const std::string bytes(reinterpret_cast<const char*>(values.data()), 432);
  put("folder/weights.bin", fmt::format("12345678{}", bytes));
  const std::string outside = put("outside.bin", bytes);
  EXPECT_EQ(said(model("weights.bin", 8)), "accepted");
  const std::string legal = "legal: a file in the folder of the model";
  expect_says(said(model("../outside.bin")), legal);
  expect_says(said(model("sub/../../outside.bin")), legal);
  expect_says(said(model(outside)), legal);
  expect_says(said(model("")), legal);
  std::filesystem::create_symlink(outside, path("folder/link.bin"));
  expect_says(said(model("link.bin")), legal);
  expect_says(said(model("weights.bin", 9)), "initialiser 'w': 432 bytes from 9 on of 'weights.bin', which has 440");
  expect_says(said(model("weights.bin", 0, "431")), "its shape needs 432");
  expect_says(said(model("weights.bin", 0, "-1")), "'-1' is no number of bytes");
  expect_says(said(model("weights.bin", -1)), "is no number of bytes");
  expect_says(said(model("missing.bin")), "missing.bin");
  expect_says(said(model(".")), "initialiser 'w'");
}

}  // namespace
}  // namespace limber
