// SPDX-License-Identifier: Apache-2.0
// ONNX exports of every toy network answer what Limber answers. Skipped where ONNX Runtime is not installed.
#include "tool/peer_onnxruntime.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "base/error.h"
#include "formats/onnx_export.h"
#include "network/session.h"
#include "network/toy_networks.h"

namespace limber {
namespace {

TEST(OnnxRuntimePeer, AgreesWithLimberOnEveryToy) {
  if (std::getenv("ONNXRUNTIME_ROOT") == nullptr) GTEST_SKIP() << "ONNXRUNTIME_ROOT is not set";
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
  if (std::getenv("ONNXRUNTIME_ROOT") == nullptr) GTEST_SKIP() << "ONNXRUNTIME_ROOT is not set";
  EXPECT_THROW(OnnxRuntimePeer("not a model"), Error);
}

}  // namespace
}  // namespace limber
