// SPDX-License-Identifier: Apache-2.0
#include "manager/profile.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/error.h"
#include "network/toy_networks.h"

namespace limber {
namespace {

Machine machine(int = 0) {
  return {"Some CPU", 4, "schedutil", 2'000'000};
}

std::shared_ptr<const Model> model(Network network = toy::groups(true)) {
  network.hash = "00ff";
  ModelOptions options;
  options.use_cache = false;
  options.isa = "reference";
  return Model::build(std::move(network), options);
}

Profile measured(const Model& of) {
  Profile profile;
  profile.key = profile_key(of, machine(), "2026-11-21T08:00:00Z");
  for (int m = 0; m < of.members(); ++m) {
    OperatingPoint point;
    point.member = of.member(m).name;
    point.macs = of.macs(m);
    point.cores = {0};
    point.governor = "schedutil";
    point.frequency_khz = 2'000'000;
    point.samples = 100;
    point.left_out = 3;
    point.min_ms = 0.1 * (m + 1);
    point.median_ms = 0.125 * (m + 1);
    point.p95_ms = 0.5 * (m + 1);
    point.deviation_ms = 0.25;
    if (m == 0) point.energy_mj = 1.5;
    if (m == 1) point.accuracy = Accuracy{0.75, "shapes", "test", "0abc", 2000};
    profile.points.push_back(point);
    point.exit = m;
    profile.points.push_back(point);
  }
  return profile;
}

std::string refusal(const std::string& text) {
  try {
    parse_profile(text, "p.json");
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kBadFile) << error.what();
    return error.what();
  }
  return "accepted";
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const auto at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

TEST(Profile, RoundTrip) {
  const Profile before = measured(*model());
  const std::string path = testing::TempDir() + "limber_profile.json";
  write_profile(before, path);
  const Profile after = read_profile(path);
  std::filesystem::remove(path);
  EXPECT_EQ(print_profile(after), print_profile(before));
  ASSERT_EQ(after.points.size(), 6u);
  EXPECT_EQ(after.points[0].energy_mj, 1.5);
  EXPECT_FALSE(after.points[2].energy_mj);
  EXPECT_EQ(after.points[2].accuracy->top1, 0.75);
  EXPECT_EQ(after.points[3].exit, 1);
  EXPECT_EQ(after.points[3].left_out, 3);
  EXPECT_EQ(after.points[3].deviation_ms, 0.25);
  EXPECT_EQ(after.key.weight_hash, "00ff");
  EXPECT_EQ(check_profile(after, *model(), "p.json", machine), std::vector<std::string>{});
}

TEST(Profile, EveryTruncationAndForeignFileIsRefused) {
  const std::string text = print_profile(measured(*model()));
  for (std::size_t length = 0; length + 2 < text.size(); length += 7)
    EXPECT_NE(refusal(text.substr(0, length)), "accepted") << length;
  EXPECT_NE(refusal("[]").find("not a profile"), std::string::npos);
  EXPECT_NE(refusal("{}").find("not a profile"), std::string::npos);
  EXPECT_NE(refusal(R"({"format": "limber-model"})").find("limber profile"), std::string::npos);
  EXPECT_NE(refusal(replaced(text, "\"version\": 1", "\"version\": 2")).find("'version' is 2"), std::string::npos);
  EXPECT_THROW(read_profile(testing::TempDir() + "limber_no_such_profile.json"), Error);
}

TEST(Profile, EveryFieldIsChecked) {
  const std::string text = print_profile(measured(*model()));
  const std::vector<std::array<std::string, 3>> cases = {
      {"\"batch\":1", "\"batch\":0", "legal: 1 to"},
      {"\"batch\":1", "\"batch\":1.5", "a whole number"},
      {"\"batch\":1", "\"batch\":99999999999999999999", "a whole number"},
      {"\"cores\":[0]", "\"cores\":[]", "at least one CPU"},
      {"\"cores\":[0]", "\"cores\":[1,0]", "ascending"},
      {"\"cores\":[0]", "\"cores\":[-1]", "ascending"},
      {"\"samples\":100", "\"samples\":-4", "legal: 1 to"},
      {"\"left_out\":3", "\"left_out\":-1", "legal: 0 to"},
      {"\"min_ms\":0.1", "\"min_ms\":0", "more than 0"},
      {"\"min_ms\":0.1", "\"min_ms\":0.4", "do not ascend"},
      {"\"median_ms\":0.125", "\"median_ms\":\"fast\"", "a number"},
      {"\"median_ms\":0.125", "\"median_ms\":null", "a number"},
      {"\"deviation_ms\":0.25", "\"deviation_ms\":-1", "0 to 1e9"},
      {"\"energy_mj\":1.5", "\"energy_mj\":-1", "or null"},
      {"\"top1\":0.75", "\"top1\":75", "0 to 1"},
      {"\"exit\":0", "\"exit\":-2", "legal: 0 to"},
      {"\"exit\":0", "\"exit\":null", "there twice"},
      {"\"member\":\"1\"", "\"member\":\"\"", "is empty"},
      {"\"macs\":", "\"marcs\":", "unknown key 'marcs'"},
      {"\"isa\":\"reference\",", "", "'isa' is missing"},
      {"\"symbols\":{}", "\"symbols\":[]", "not an object"},
      {"\"model\":\"nested\"", "\"model\":\"nested\",\"model\":\"nested\"", "twice"},
  };
  for (const auto& [from, to, expected] : cases) {
    const std::string found = refusal(replaced(text, from, to));
    EXPECT_NE(found.find(expected), std::string::npos) << to << ": " << found;
    EXPECT_EQ(found.rfind("p.json", 0), 0u) << found;
  }
}

TEST(Profile, AnotherMachineOrModelIsRefused) {
  const auto here = model();
  const std::vector<std::pair<std::string, std::function<void(Profile&)>>> cases = {
      {"weights 'abcd' (here '00ff')", [](Profile& p) { p.key.weight_hash = "abcd"; }},
      {"CPU 'Other' (here 'Some CPU')", [](Profile& p) { p.key.cpu_model = "Other"; }},
      {"ISA 'avx2' (here 'reference')", [](Profile& p) { p.key.isa = "avx2"; }},
      {"precision 'i8'", [](Profile& p) { p.key.precision = "i8"; }},
      {"processor 'gpu'", [](Profile& p) { p.key.processor = "gpu"; }},
      {"run-time symbols 'rows=4' (here 'none')", [](Profile& p) { p.key.symbols["rows"] = 4; }},
      {"member 'huge' (here none", [](Profile& p) { p.points[0].member = "huge"; }},
      {"of 7 multiply-accumulates", [](Profile& p) { p.points[0].macs = 7; }},
  };
  for (const auto& [expected, change] : cases) {
    Profile profile = measured(*here);
    change(profile);
    try {
      check_profile(profile, *here, "p.json", machine);
      ADD_FAILURE() << expected;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
      EXPECT_NE(std::string(error.what()).find(expected), std::string::npos) << error.what();
      EXPECT_NE(std::string(error.what()).find("limber profile MODEL"), std::string::npos) << error.what();
    }
  }
}

TEST(Profile, AnotherClockOrVersionIsWarnedAbout) {
  const auto here = model();
  Profile profile = measured(*here);
  for (OperatingPoint& point : profile.points) point.governor = "performance";
  profile.key.limber = "0.0.1";
  profile.key.logical_cpus = 8;
  const std::vector<std::string> warnings = check_profile(profile, *here, "p.json", machine);
  ASSERT_EQ(warnings.size(), 3u);
  EXPECT_NE(warnings[0].find("governor performance"), std::string::npos) << warnings[0];
  EXPECT_NE(warnings[1].find("8 logical CPUs"), std::string::npos) << warnings[1];
  EXPECT_NE(warnings[2].find("0.0.1"), std::string::npos) << warnings[2];
}

TEST(Profile, GivesThePoliciesTheirMembers) {
  const auto here = model();
  Profile profile = measured(*here);
  const std::vector<PolicyMember> members = policy_members(profile, *here, 1, 1);
  ASSERT_EQ(members.size(), 3u);
  EXPECT_EQ(members[2].name, "3");
  EXPECT_EQ(members[2].image_ms, 0.375);
  EXPECT_EQ(find_point(profile, "2", 1, 1, 1)->exit, 1);
  EXPECT_THROW(policy_members(profile, *here, 2, 1), Error);
  EXPECT_THROW(policy_members(profile, *here, 1, 8), Error);
}

TEST(Profile, SymbolsArePartOfTheKey) {
  const ProfileKey key = profile_key(*model(toy::decoder()), machine(), "");
  EXPECT_EQ(key.symbols.at("past"), 0);
}

}  // namespace
}  // namespace limber
