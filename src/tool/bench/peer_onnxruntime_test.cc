// SPDX-License-Identifier: Apache-2.0
// ONNX exports of every toy network answer what Limber answers. Built where ONNX Runtime's header is; its library must
// then be there, too.
#include "tool/bench/peer_onnxruntime.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/need_in_test.h"
#include "formats/onnx_export.h"
#include "tool/bench/test_peers.h"

namespace limber::tool {
namespace {

// Fails with kNotFound, naming what is missing, where the library that this build would use cannot be opened.
bool library() {
  try {
    make_onnxruntime_peer("not a model");
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kNotFound) throw;
  }
  return true;
}

TEST(OnnxRuntimePeer, AgreesWithLimberOnEveryToy) {
  LIMBER_NEED(bool, found, library());
  ASSERT_TRUE(found);
  for (const OnnxForm form : {OnnxForm::kMerged, OnnxForm::kSeparate}) {
    expect_same_answers([form](const Network& network, const Member& member) {
      return make_onnxruntime_peer(export_onnx(network, member.name, form));
    });
  }
}

TEST(OnnxRuntimePeer, ErrorsAreClear) {
  EXPECT_THROW(make_onnxruntime_peer("not a model", "/nowhere/libonnxruntime.so"), Error);
  LIMBER_NEED(bool, found, library());
  ASSERT_TRUE(found);
  EXPECT_THROW(make_onnxruntime_peer("not a model"), Error);
}

}  // namespace
}  // namespace limber::tool
