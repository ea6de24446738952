// SPDX-License-Identifier: Apache-2.0
// Golden answers: once-for-all's own code (PyTorch 1.13, one thread) on super-networks of few channels with random
// weights and statistics, several sub-networks each. golden/*.pth are what it saved, golden/*.logits.json its logits,
// golden/*.json what networks/generate-ofa makes for the same widths.
#include "formats/torch_import.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/error.h"
#include "base/mapped_file.h"
#include "formats/graph_json.h"
#include "formats/json_fields.h"
#include "formats/shipped_file.h"
#include "network/session.h"

namespace limber {
namespace {

constexpr float kTolerance = 1e-4f;

std::string golden(const std::string& name) {
  return std::string(LIMBER_GOLDEN "/").append(name);
}

NameMapping ofa() {
  return read_name_mapping(find_shipped_file("mappings", "ofa"));
}

// The image that the original framework was given: whole numbers only, so both have the same bits.
std::vector<float> image(int64_t side) {
  std::vector<float> planes;
  for (uint32_t c = 0; c < 3; ++c) {
    for (uint32_t y = 0; y < side; ++y) {
      for (uint32_t x = 0; x < side; ++x) {
        const uint32_t hash = (c * 7919 + y * 131 + x * 17 + 1) * 2654435761u;
        planes.push_back(static_cast<float>(hash >> 8) / 8388608.0f - 1);
      }
    }
  }
  return planes;
}

// The largest difference between any logit of any listed sub-network and the original's.
float largest_difference(const std::string& checkpoint, const std::string& graph_file, const std::string& logits_file) {
  const Graph graph = read_graph(graph_file);
  const MappedFile text(logits_file);
  const Json expected = parse_json({reinterpret_cast<const char*>(text.bytes().data()), text.size()}, logits_file);
  std::vector<Member> members;
  for (const Json& item : expected) {
    members.push_back({std::to_string(members.size()), parse_choice(graph.space, item["choice"]), {}, {}});
  }
  ModelOptions options;
  options.use_cache = false;
  const auto model =
      Model::build(import_checkpoint(read_checkpoint(checkpoint), graph, ofa(), members, checkpoint), options);
  std::vector<float> logits, answers(static_cast<std::size_t>(model->outputs()));
  SessionOptions session_options;
  session_options.observe = [&](const std::string& node, std::span<const float> values) {
    if (node == "logits") logits.assign(values.begin(), values.end());
  };
  Session session(model, session_options);
  float largest = 0;
  for (int m = 0; m < model->members(); ++m) {
    session.select(m);
    const std::vector<float> planes = image(model->input_height(m));
    session.infer({1, {}, planes}, answers);
    const auto wanted = expected[static_cast<std::size_t>(m)]["logits"].get<std::vector<float>>();
    EXPECT_EQ(logits.size(), wanted.size());
    for (std::size_t i = 0; i < std::min(logits.size(), wanted.size()); ++i) {
      const float difference = std::fabs(logits[i] - wanted[i]);
      largest = std::isfinite(difference) ? std::max(largest, difference) : INFINITY;
    }
  }
  return largest;
}

TEST(TorchImport, MobileNetV3AnswersAsTheOriginal) {
  for (const char* file : {"mobilenetv3.pth", "mobilenetv3-old-names.pth"}) {
    const float found = largest_difference(golden(file), golden("mobilenetv3.json"), golden("mobilenetv3.logits.json"));
    EXPECT_LE(found, kTolerance) << file;
    RecordProperty(file, std::to_string(found));
  }
}

TEST(TorchImport, ResNetAnswersAsTheOriginal) {
  const float found = largest_difference(golden("resnet.pth"), golden("resnet.json"), golden("resnet.logits.json"));
  EXPECT_LE(found, kTolerance);
  RecordProperty("resnet.pth", std::to_string(found));
}

const char* kLinear = R"({"format": "limber-graph", "version": 1, "name": "line", "space": {"dimensions": []},
  "nodes": [{"name": "in", "op": "input", "channels": 3, "height": 1, "width": 1},
            {"name": "out", "op": "linear", "inputs": ["in"], "channels": 2, "weight": "fc.weight", "bias": "fc.bias"}]})";

Tensor floats(const std::string& name, std::vector<int64_t> shape, const std::vector<float>& values) {
  const auto bytes = std::make_shared<std::vector<float>>(values);
  return {name, DType::kF32, std::move(shape), std::as_bytes(std::span(*bytes)), bytes};
}

Network import_line(const std::vector<Tensor>& tensors, const std::string& mapping = "") {
  const Graph graph = parse_graph(kLinear, "line");
  const std::string head = R"({"format": "limber-mapping", "version": 1)";
  Checkpoint checkpoint;
  checkpoint.tensors = tensors;
  return import_checkpoint(checkpoint, graph, parse_name_mapping(head + mapping + "}", "mapping"),
                           members_of(graph, {}), "file");
}

std::string refusal(const std::vector<Tensor>& tensors, const std::string& mapping = "") {
  try {
    import_line(tensors, mapping);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

#define EXPECT_REFUSED(refused, text) EXPECT_NE((refused).find(text), std::string::npos) << (refused)

const Tensor kWeight = floats("fc.weight", {2, 3}, {1, 2, 3, 4, 5, 6});
const Tensor kBias = floats("fc.bias", {2}, {7, 8});

TEST(TorchImport, RenamesIgnoresAndTransposes) {
  EXPECT_EQ(import_line({kWeight, kBias}).family[0].name, "all");
  const Network network =
      import_line({floats("net.head.w", {3, 2, 1, 1}, {1, 4, 2, 5, 3, 6}), floats("net.head.b", {2}, {7, 8}),
                   floats("loss.scale", {1}, {9})},
                  R"(, "rename": [["^net\\.head\\.w$", "fc.weight"], ["^net\\.head\\.b$", "fc.bias"]],
                                          "ignore": ["^loss"], "transpose": [{"tensor": "^fc\\.weight", "axes": [1, 0, 2, 3]}],
                                          "preprocessing": {"mean": [0.5, 0.5, 0.5], "deviation": [1, 2, 3], "crop": 0.875})");
  ASSERT_EQ(network.tensors.size(), 2u);
  EXPECT_EQ(network.tensors[0].name, "fc.weight");
  EXPECT_EQ(network.tensors[0].shape, (std::vector<int64_t>{2, 3}));
  for (std::size_t i = 0; i < 6; ++i) {
    float value = 0;
    std::memcpy(&value, network.tensors[0].bytes.data() + 4 * i, 4);
    EXPECT_EQ(value, static_cast<float>(i + 1));
  }
  EXPECT_EQ(network.preprocessing.deviation[2], 3);
  EXPECT_EQ(network.preprocessing.crop, 0.875);
}

TEST(TorchImport, NamesWhatDoesNotFit) {
  EXPECT_REFUSED(refusal({kWeight}), "file: its tensors are not those of 'line', which has 2; 1 missing: fc.bias");
  EXPECT_REFUSED(refusal({kWeight, kBias, floats("x", {1}, {0})}), "1 too many: x");
  EXPECT_REFUSED(refusal({floats("fc.weight", {3, 2}, {1, 2, 3, 4, 5, 6}), kBias}),
                 "1 wrong: 'fc.weight' is [3, 2], expected [2, 3]");
  EXPECT_REFUSED(refusal({floats("fc.weight", {1, 1, 2, 3}, {1, 2, 3, 4, 5, 6}), kBias}), "is [1, 1, 2, 3]");
  EXPECT_REFUSED(refusal({kWeight, floats("fc.bias", {2}, {1, NAN})}), "'fc.bias' holds values that are not finite");
  EXPECT_REFUSED(refusal({kWeight, floats("fc.bias", {2}, {1, -INFINITY})}), "not finite");
  EXPECT_REFUSED(refusal({kWeight, kBias, floats("a.bias", {2}, {1, 2})}, R"(, "rename": [["^a", "fc"]])"),
                 "two tensors become 'fc.bias'; the second is 'a.bias'");
  EXPECT_REFUSED(refusal({kWeight, kBias}, R"(, "alike": [["weight|bias", "x"]])"), "alike");
  EXPECT_REFUSED(refusal({kWeight, kBias}, R"(, "transpose": [{"tensor": "bias", "axes": [1, 0]}])"),
                 "would transpose 2");
  std::vector<Tensor> many = {kWeight, kBias};
  for (int i = 0; i < 20; ++i) many.push_back(floats("more." + std::to_string(i), {1}, {0}));
  EXPECT_REFUSED(refusal(many), "20 too many: more.0; more.1; more.2; more.3; more.4; and 15 more");
}

// A wider super-network's weights would all pass as slices: the extents must be this graph's own.
TEST(TorchImport, AnotherWidthIsRefused) {
  const Checkpoint checkpoint = read_checkpoint(golden("mobilenetv3.pth"));
  Graph graph = read_graph(golden("mobilenetv3.json"));
  for (Node& node : graph.nodes) {
    if (node.name == "mix") node.channels = 56;
  }
  try {
    import_checkpoint(checkpoint, graph, ofa(), members_of(graph, {}), "file");
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("expected [56, "), std::string::npos) << error.what();
  }
}

TEST(TorchImport, Members) {
  const Graph graph = read_graph(golden("mobilenetv3.json"));
  std::vector<Member> members = members_of(graph, {});
  ASSERT_EQ(members.size(), 2u);
  EXPECT_EQ(members[0].name, "smallest");
  const std::string small = to_string(graph.space, members[0].choice),
                    large = to_string(graph.space, members[1].choice);
  members = members_of(graph, {"big:" + large, small});
  EXPECT_EQ(members[0].name, "2");  // cheapest first
  EXPECT_EQ(members[1].name, "big");
  EXPECT_THROW(members_of(graph, {"nonsense=3"}), Error);
}

}  // namespace
}  // namespace limber
