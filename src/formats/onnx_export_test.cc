// SPDX-License-Identifier: Apache-2.0
// Every export passes onnx::checker inside export_onnx; agreement of values with ONNX Runtime is in
// src/tool/bench/peer_onnxruntime_test.cc.
#include "formats/onnx_export.h"

#include <gtest/gtest.h>
#include <onnx/onnx_pb.h>

#include <map>

#include "base/error.h"
#include "network/toy_networks.h"

namespace limber {
namespace {

std::map<std::string, int> count(const Network& network, int member, OnnxForm form = OnnxForm::kMerged) {
  onnx::ModelProto model;
  EXPECT_TRUE(model.ParseFromString(export_onnx(network, network.family.at(member).name, form)));
  std::map<std::string, int> operators;
  for (const auto& node : model.graph().node()) ++operators[node.op_type()];
  return operators;
}

TEST(OnnxExport, IndependentGroupsBecomeGroupedConvolutions) {
  const Network network = toy::groups(false, 3);
  auto merged = count(network, 2);
  EXPECT_EQ(merged["Conv"], 2);
  EXPECT_EQ(merged["Concat"], 0);
  EXPECT_EQ(merged["Slice"], 0);
  EXPECT_EQ(count(network, 2, OnnxForm::kSeparate)["Conv"], 6);
  EXPECT_EQ(count(network, 0)["Conv"], 2);
}

TEST(OnnxExport, NestedGroupsStaySeparateAfterTheFirstLayer) {
  EXPECT_EQ(count(toy::groups(true, 3), 2)["Conv"], 4);
}

TEST(OnnxExport, EveryToyPassesTheChecker) {
  for (const Network& network : {toy::groups(true), toy::fluid(), toy::ofa(), toy::early_exit(), toy::mixed()}) {
    for (const Member& member : network.family) {
      for (const OnnxForm form : {OnnxForm::kMerged, OnnxForm::kSeparate}) {
        EXPECT_FALSE(export_onnx(network, member.name, form).empty()) << network.name << " " << member.name;
      }
    }
  }
}

TEST(OnnxExport, Relu6IsAClip) {
  toy::Builder b("relu6");
  const int input = b.input(3, 5, 5);
  b.add(b.conv("first", {toy::Builder::from(input)}, 8, {8, 3, 3, 3}, 1, Activation::kRelu6));
  b.add(b.conv("second", {toy::Builder::from(1)}, 8, {8, 8, 1, 1}, 1, Activation::kRelu6));
  b.member("all", {});
  EXPECT_EQ(count(b.network, 0)["Clip"], 2);
}

TEST(OnnxExport, Refusals) {
  EXPECT_THROW(export_onnx(toy::groups(true), "no such member", OnnxForm::kMerged), Error);
  EXPECT_THROW(export_onnx(toy::decoder(), toy::decoder().family[0].name), Error);
}

}  // namespace
}  // namespace limber
