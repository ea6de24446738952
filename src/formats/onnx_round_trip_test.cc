// SPDX-License-Identifier: Apache-2.0
// What is exported and imported again answers as before: the shipped models and every kind of toy.
#include <gtest/gtest.h>

#include <filesystem>

#include "formats/model_file.h"
#include "formats/onnx_export.h"
#include "formats/onnx_test_graph.h"
#include "network/toy_networks.h"

namespace limber {
namespace {

void expect_same_answers(const Network& network) {
  const auto model = toy::build(network);
  for (int member = 0; member < model->members(); ++member) {
    const std::vector<float> input = toy::random_input(*model, member);
    const std::vector<float> expected = toy::answer_of(network, input, member);
    for (const OnnxForm form : {OnnxForm::kMerged, OnnxForm::kSeparate}) {
      SCOPED_TRACE(network.name + " " + model->member(member).name + (form == OnnxForm::kMerged ? " merged" : ""));
      const OnnxImport result = toy::import_text(export_onnx(network, model->member(member).name, form));
      EXPECT_EQ(result.network.preprocessing.mean, network.preprocessing.mean);
      EXPECT_EQ(result.network.preprocessing.deviation, network.preprocessing.deviation);
      const std::vector<float> found = toy::answer_of(result.network, input);
      ASSERT_EQ(found.size(), expected.size());
      for (std::size_t i = 0; i < found.size(); ++i)
        ASSERT_NEAR(found[i], expected[i], 1e-5 * std::max(1.0f, std::abs(expected[i]))) << i;
    }
  }
}

TEST(OnnxRoundTrip, ShippedModels) {
  int models = 0;
  for (const auto& entry : std::filesystem::directory_iterator(LIMBER_MODELS)) {
    if (entry.path().extension() != ".safetensors" || entry.file_size() > (8 << 20)) continue;
    expect_same_answers(read_model(entry.path().string()));
    ++models;
  }
  EXPECT_GE(models, 4);
}

TEST(OnnxRoundTrip, EveryKindOfNetwork) {
  for (Network network :
       {toy::groups(true), toy::groups(false), toy::fluid(), toy::ofa(), toy::early_exit(), toy::mixed()}) {
    if (network.preprocessing.mean.empty()) {  // as the import says it
      network.preprocessing = toy::import_text(export_onnx(network, network.family[0].name)).network.preprocessing;
    }
    expect_same_answers(network);
  }
}

}  // namespace
}  // namespace limber
