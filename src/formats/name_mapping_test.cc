// SPDX-License-Identifier: Apache-2.0
#include "formats/name_mapping.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/error.h"
#include "formats/shipped_file.h"

namespace limber {
namespace {

std::string refusal(const std::string& rest) {
  try {
    parse_name_mapping(R"({"format": "limber-mapping", "version": 1)" + rest + "}", "test");
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

#define EXPECT_REFUSED(rest, text) EXPECT_NE(refusal(rest).find(text), std::string::npos) << refusal(rest)

TEST(NameMapping, BrokenOnesAreNamed) {
  EXPECT_EQ(refusal(""), "");
  EXPECT_REFUSED(R"(, "renames": [])", "unknown key 'renames'");
  EXPECT_REFUSED(R"(, "rename": [["a(", "b"]])", "'a(' is no regular expression");
  EXPECT_REFUSED(R"(, "rename": [["a"]])", "expected [pattern, replacement]");
  EXPECT_REFUSED(R"(, "ignore": [3])", "expected a text");
  EXPECT_REFUSED(R"(, "transpose": [{"tensor": "a", "axes": []}])", "no axes");
  EXPECT_REFUSED(R"(, "transpose": [{"tensor": "a", "axes": [0, 0]}])", "each of 0 to 1 once");
  EXPECT_REFUSED(R"(, "transpose": [{"tensor": "a", "axes": [0, 2]}])", "each of 0 to 1 once");
  EXPECT_THROW(parse_name_mapping("{}", "test"), Error);
  EXPECT_THROW(find_shipped_file("mappings", "nonsense"), Error);
}

// All spellings that once-for-all's own load_state_dict() takes for one another.
TEST(NameMapping, SpellingsOfOnceForAll) {
  const NameMapping mapping = read_name_mapping(find_shipped_file("mappings", "ofa"));
  const auto canonical = [&](const std::string& name) { return rewrite(mapping.alike, rewrite(mapping.rename, name)); };
  const std::vector<std::vector<std::string>> alike = {
      {"blocks.1.conv.inverted_bottleneck.conv.conv.weight", "blocks.1.conv.inverted_bottleneck.conv.weight",
       "module.blocks.1.mobile_inverted_conv.inverted_bottleneck.conv.conv.weight"},
      {"blocks.1.conv.depth_conv.bn.bn.running_var", "blocks.1.mobile_inverted_conv.depth_conv.bn.running_var"},
      {"blocks.1.conv.depth_conv.conv.7to5_matrix", "blocks.1.mobile_inverted_conv.depth_conv.conv.7to5_matrix"},
      {"input_stem.1.conv.conv.conv.weight", "input_stem.1.conv.conv.weight"},
      {"classifier.linear.linear.bias", "classifier.linear.bias"}};
  std::vector<std::string> all;
  for (const auto& names : alike) {
    for (const std::string& name : names) EXPECT_EQ(canonical(name), canonical(names[0])) << name;
    EXPECT_EQ(std::count(all.begin(), all.end(), canonical(names[0])), 0);
    all.push_back(canonical(names[0]));
  }
  EXPECT_NE(canonical("blocks.1.conv.depth_conv.conv.7to5_matrix"),
            canonical("blocks.1.conv.depth_conv.conv.5to3_matrix"));
}

}  // namespace
}  // namespace limber
