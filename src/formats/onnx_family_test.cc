// SPDX-License-Identifier: Apache-2.0
// Several ONNX files as one family.
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/test_folder.h"
#include "formats/onnx_import.h"
#include "formats/onnx_test_graph.h"

namespace limber {
namespace {

using toy::file;
using toy::Picture;

class OnnxFamily : public FolderTest {};

TEST_F(OnnxFamily, SeveralFilesAreOneFamilyThatSharesNothing) {
  const auto write = [&](const std::string& name, int64_t size, float factor) {
    const Picture in = toy::picture(3, size, size);
    return put(name, file(in, {1, 3, 1, 1}, [&](OnnxGraph& g) {
                 std::vector<float> weight(9, 0);
                 for (std::size_t c = 0; c < 3; ++c) weight[c * 4] = factor;
                 g.add("Conv", {"x", g.constant("w", {3, 3, 1, 1}, weight)}, "c");
                 g.add("GlobalAveragePool", {"c"}, "y");
               }));
  };
  const std::string large = write("large.onnx", 8, 3), small = write("small.onnx", 4, 2);
  const OnnxImport result = import_onnx({large, small}, {"both", {}});
  ASSERT_EQ(result.network.family.size(), 2u);
  EXPECT_EQ(result.network.family[0].name, "small");
  EXPECT_EQ(result.network.name, "both");
  for (int member : {0, 1}) {
    const Picture in = toy::picture(3, member == 0 ? 4 : 8, member == 0 ? 4 : 8);
    const Picture mean = plain_average(in, {{in.height, in.width}, {1, 1}, {1, 1}, {0, 0, 0, 0}});
    const std::vector<float> found = toy::answer_of(result.network, in.values, member);
    for (std::size_t c = 0; c < 3; ++c) EXPECT_NEAR(found.at(c), mean.values[c] * (member == 0 ? 2.0f : 3.0f), 1e-5);
  }
  EXPECT_EQ(import_onnx({small, small}).network.family[1].name, "small.2");
  EXPECT_THROW(import_onnx({}), Error);
}

}  // namespace
}  // namespace limber
