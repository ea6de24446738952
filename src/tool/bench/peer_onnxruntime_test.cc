// SPDX-License-Identifier: Apache-2.0
// ONNX exports of every toy network answer what Limber answers. Skipped where ONNX Runtime is not installed.
#include "tool/bench/peer_onnxruntime.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "formats/onnx_export.h"
#include "network/session.h"
#include "network/toy_networks.h"

namespace limber::tool {
namespace {

// Why the library that this build would use cannot be opened; empty: it can.
std::string missing() {
  try {
    OnnxRuntimePeer("not a model");
  } catch (const Error& error) {
    return error.code() == ErrorCode::kNotFound ? error.what() : "";
  }
  return "";
}

TEST(OnnxRuntimePeer, AgreesWithLimberOnEveryToy) {
  if (const std::string why = missing(); !why.empty()) GTEST_SKIP() << why;
  for (const Network& network :
       {toy::groups(false), toy::groups(true), toy::fluid(), toy::ofa(), toy::early_exit(), toy::mixed()}) {
    ModelOptions options;
    options.use_cache = false;
    const auto model = Model::build(network, options);
    Session session(model);
    for (int member = 0; member < model->members(); ++member) {
      for (const OnnxForm form : {OnnxForm::kMerged, OnnxForm::kSeparate}) {
        SCOPED_TRACE(network.name + " " + model->member(member).name);
        OnnxRuntimePeer peer(export_onnx(network, model->member(member).name, form));
        const std::span<float> input = peer.input();
        for (std::size_t i = 0; i < input.size(); ++i) input[i] = static_cast<float>(i * 37 % 101) / 50 - 1;
        std::vector<float> answers(peer.output().size());
        Batch batch;
        batch.images = 1;
        batch.planes = input;
        session.select(member);
        session.infer(batch, answers);
        peer.run();
        for (std::size_t i = 0; i < answers.size(); ++i) EXPECT_NEAR(answers[i], peer.output()[i], 1e-4) << i;
      }
    }
  }
}

TEST(OnnxRuntimePeer, ErrorsAreClear) {
  EXPECT_THROW(OnnxRuntimePeer("not a model", "/nowhere/libonnxruntime.so"), Error);
  if (const std::string why = missing(); !why.empty()) GTEST_SKIP() << why;
  EXPECT_THROW(OnnxRuntimePeer("not a model"), Error);
}

}  // namespace
}  // namespace limber::tool
