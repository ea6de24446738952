// SPDX-License-Identifier: Apache-2.0
#include "server/daemon/helper_verbs.h"

#include <gtest/gtest.h>
#include <sys/types.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <random>

#include "platform/linux/tree_fs.h"

namespace limber::server {
namespace {

using nlohmann::json;

const std::string kPolicy = "/sys/devices/system/cpu/cpufreq/policy0/";

// Two cores of one clock without a userspace governor: fixed by limits.
TreeFs machine() {
  TreeFs fs;
  fs.put("/sys/devices/system/cpu/online", {"0-1"});
  fs.put("/sys/devices/system/cpu/present", {"0-1"});
  fs.put("/sys/devices/system/cpu/possible", {"0-1"});
  fs.put(kPolicy + "related_cpus", {"0 1"});
  fs.put(kPolicy + "affected_cpus", {"0 1"});
  fs.put(kPolicy + "scaling_available_frequencies", {"500000 1000000 2000000"});
  fs.put(kPolicy + "scaling_available_governors", {"schedutil performance"});
  fs.put(kPolicy + "scaling_governor", {"schedutil"});
  fs.put(kPolicy + "scaling_min_freq", {"500000"});
  fs.put(kPolicy + "scaling_max_freq", {"2000000"});
  fs.put(kPolicy + "cpuinfo_min_freq", {"500000"});
  fs.put(kPolicy + "cpuinfo_max_freq", {"2000000"});
  fs.put(kPolicy + "scaling_cur_freq", {"1000000"});
  return fs;
}

class HelperVerbsTest : public testing::Test {
 protected:
  TreeFs fs = machine();
  LinuxPlatform platform{fs, {}};
  HelperVerbs verbs{platform, {5, 0}};

  json ask(const json& request) { return json::parse(verbs.answer(request.dump())); }
  std::string reason(const json& request) {
    const json reply = ask(request);
    EXPECT_NE(reply["error"], 0) << request.dump();
    return reply["reason"];
  }
};

TEST_F(HelperVerbsTest, SetsAClockAndPutsItBack) {
  ASSERT_EQ(platform.processors().size(), 1u);
  const json reply = ask({{"verb", "clock"}, {"processor", 0}, {"kind", 1}, {"governor", ""}, {"point", 1}});
  EXPECT_EQ(reply["error"], 0) << reply.dump();
  EXPECT_EQ(fs.read(kPolicy + "scaling_max_freq").text, "1000000");
  EXPECT_EQ(fs.read(kPolicy + "scaling_min_freq").text, "1000000");
  EXPECT_GT(ask({{"verb", "restore"}})["restored"], 0);
  EXPECT_EQ(fs.read(kPolicy + "scaling_max_freq").text, "2000000");
  EXPECT_EQ(fs.read(kPolicy + "scaling_min_freq").text, "500000");
}

TEST_F(HelperVerbsTest, EveryArgumentIsChecked) {
  const int pid = ::getpid();
  EXPECT_NE(reason({{"verb", "reboot"}}).find("legal: clock, affinity, nice"), std::string::npos);
  EXPECT_NE(
      reason({{"verb", "clock"}, {"processor", 1}, {"kind", 1}, {"governor", ""}, {"point", 0}}).find("legal: 0 to 0"),
      std::string::npos);
  EXPECT_NE(
      reason({{"verb", "clock"}, {"processor", 0}, {"kind", 1}, {"governor", ""}, {"point", 3}}).find("legal: 0 to 2"),
      std::string::npos);
  EXPECT_NE(
      reason({{"verb", "clock"}, {"processor", 0}, {"kind", 0}, {"governor", "../x"}, {"point", 0}}).find("governor"),
      std::string::npos);
  EXPECT_NE(reason({{"verb", "nice"}, {"pid", pid}, {"tid", pid}, {"nice", 4}}).find("legal: 5 to 19"),
            std::string::npos)
      << "below what the administrator allowed";
  EXPECT_NE(reason({{"verb", "nice"}, {"pid", pid}, {"tid", 1}, {"nice", 5}}).find("legal: 2 to"), std::string::npos);
  EXPECT_NE(reason({{"verb", "nice"}, {"pid", pid}, {"tid", ::getppid()}, {"nice", 5}}).find("no such thread"),
            std::string::npos)
      << "a thread of another process";
  EXPECT_NE(reason({{"verb", "weight"}, {"pid", pid}, {"weight", 100}}).find("not allowed"), std::string::npos);
  EXPECT_NE(reason({{"verb", "affinity"}, {"pid", pid}, {"tid", pid}, {"cpus", {-1}}}).find("legal: 0 to 4095"),
            std::string::npos);
  EXPECT_NE(reason({{"verb", "affinity"}, {"pid", pid}, {"tid", pid}, {"cpus", json::array()}}).find("no CPU"),
            std::string::npos);
  EXPECT_NE(reason({{"verb", "clamps"}, {"pid", pid}, {"tid", pid}, {"low", 500}, {"high", 400}}).find("'high'"),
            std::string::npos);
  EXPECT_NE(reason({{"verb", "view"}, {"own", json::array()}, {"extra", 1}}).find("unknown key"), std::string::npos);
}

TEST_F(HelperVerbsTest, AnswersWhateverComes) {
  std::mt19937 random(3);
  const std::string whole = R"({"verb": "clock", "processor": 0, "kind": 1, "governor": "", "point": 1})";
  for (int i = 0; i < 5000; ++i) {
    std::string text = whole;
    for (int edits = 0; edits < 3; ++edits) text[random() % text.size()] = static_cast<char>(random());
    if (i % 3 == 0) text.resize(random() % text.size());
    EXPECT_TRUE(json::parse(verbs.answer(text)).contains("error"));
  }
}

TEST_F(HelperVerbsTest, ShowsTheMachine) {
  const json view = ask({{"verb", "view"}, {"own", {::getpid()}}})["view"];
  ASSERT_EQ(view["processors"].size(), 1u);
  EXPECT_EQ(view["processors"][0]["highest"], 2);
  EXPECT_EQ(view["processors"][0]["others"].size(), 2u);
  EXPECT_GT(ask({{"verb", "state"}})["state"]["knobs"].size(), 3u);
}

}  // namespace
}  // namespace limber::server
