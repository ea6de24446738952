// SPDX-License-Identifier: Apache-2.0
// ONNX exports of every toy network answer what Limber answers. Skipped where ONNX Runtime is not installed.
#include "tool/bench/peer_onnxruntime.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "formats/onnx_export.h"
#include "tool/bench/test_peers.h"

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
  for (const OnnxForm form : {OnnxForm::kMerged, OnnxForm::kSeparate}) {
    expect_same_answers([form](const Network& network, const Member& member) {
      return std::make_unique<OnnxRuntimePeer>(export_onnx(network, member.name, form));
    });
  }
}

TEST(OnnxRuntimePeer, ErrorsAreClear) {
  EXPECT_THROW(OnnxRuntimePeer("not a model", "/nowhere/libonnxruntime.so"), Error);
  if (const std::string why = missing(); !why.empty()) GTEST_SKIP() << why;
  EXPECT_THROW(OnnxRuntimePeer("not a model"), Error);
}

}  // namespace
}  // namespace limber::tool
