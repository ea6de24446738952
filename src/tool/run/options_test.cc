// SPDX-License-Identifier: Apache-2.0
#include "tool/run/options.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "tool/run/timing.h"

namespace limber::tool {
namespace {

const std::vector<PolicyMember> kMembers = {{"25%", 1}, {"100%", 4}};

std::string names(const std::string& asked, bool exit_plan = true) {
  std::string text;
  try {
    for (const auto& policy : make_policies(asked, kMembers, exit_plan)) text += policy->name() + " ";
  } catch (const Error& error) {
    return error.what();
  }
  return text;
}

bool says(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(MakePolicies, ListsAndAll) {
  EXPECT_EQ(names("dynamic"), "dynamic ");
  EXPECT_EQ(names("anytime,static:100%"), "anytime static:100% ");
  EXPECT_EQ(names("all"), "static:25% static:100% dynamic anytime ");
  EXPECT_EQ(names("all", false), "static:25% static:100% dynamic ");
}

TEST(MakePolicies, RefusalsNameWhatIsLegal) {
  EXPECT_TRUE(says(names("static:33%"), "static:25%, static:100%, dynamic, dynamic-ofa, anytime"))
      << names("static:33%");
  EXPECT_TRUE(says(names("dynamic,"), "unknown policy ''"));
  EXPECT_TRUE(says(names("dynamic,dynamic"), "named twice"));
  EXPECT_TRUE(says(names("anytime", false), "do not nest"));
}

TEST(MakePolicies, UnderAnAccuracyFloorOnlyWhatKeepsIt) {
  const std::vector<PolicyMember> members = {{"25%", 1, 0.8}, {"100%", 4, 0.9}};
  const auto all = make_policies("all", members, true, 0.85);
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0]->name(), "static:100%");
  EXPECT_EQ(all[1]->name(), "dynamic");
  EXPECT_THROW(make_policies("anytime", members, true, 0.85), Error);
  EXPECT_THROW(make_policies("all", members, true, 0.95), Error);
}

TEST(ParseSeconds, FromTo) {
  EXPECT_EQ(parse_seconds("2.5-8.5"), std::make_pair(2.5, 8.5));
  EXPECT_EQ(parse_seconds("0-1"), std::make_pair(0.0, 1.0));
  for (const char* text :
       {"", "3", "3-", "-3", "3-3", "4-3", "a-b", "1-2x", "1 - 2", "-1-2", "nan-2", "0-inf", "0-1e300"})
    EXPECT_THROW(parse_seconds(text), Error) << text;
}

std::string refusal(const RunOptions& options) {
  try {
    check_options(options);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(CheckOptions, Contradictions) {
  RunOptions options;
  EXPECT_EQ(refusal(options), "");
  options.input = "v4l2:/dev/video0";
  EXPECT_EQ(refusal(options), "");
  options.rounds = 2;
  EXPECT_TRUE(says(refusal(options), "plays once"));
  options.rounds = 1;
  options.policy = "dynamic,anytime";
  EXPECT_TRUE(says(refusal(options), "one policy"));
  options.policy = "anytime";
  options.load = 3;
  EXPECT_TRUE(says(refusal(options), "--frames"));
  options.frames = 30;
  EXPECT_EQ(refusal(options), "");
  options.data = "shapes";
  EXPECT_TRUE(says(refusal(options), "give one of them"));
}

TEST(BurstSize, AutoAndNumbers) {
  EXPECT_EQ(burst_size("auto", 11, 0.1, 1000), 110);
  EXPECT_EQ(burst_size("auto", 11, 40, 1000), 1);
  EXPECT_EQ(burst_size("auto", 11, 0.001, 1000), 1000);
  EXPECT_EQ(burst_size("7", 11, 0.1, 1000), 7);
  for (const char* wrong : {"", "0", "-1", "7x", "1001", "many", "99999999999999999999"}) {
    try {
      burst_size(wrong, 11, 0.1, 1000);
      FAIL() << wrong;
    } catch (const Error& error) {
      EXPECT_TRUE(says(error.what(), "auto and 1..1000")) << error.what();
    }
  }
}

}  // namespace
}  // namespace limber::tool
