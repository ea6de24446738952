// SPDX-License-Identifier: Apache-2.0
#include "server/protocol.h"

#include <gtest/gtest.h>

#include <random>

#include "base/error.h"

namespace limber::server {
namespace {

OpenSession session() {
  OpenSession open;
  open.session = 3;
  open.name = "camera";
  open.members = {{"25%", 0.8}, {"100%", 0.9}};
  open.options = {{0, "", 1, {4.5}}, {1, "A15", 2, {11, 7.25}}};
  open.target.deadline_ms = 33;
  open.target.prefer_accuracy = true;
  open.threads = {12, 13};
  open.place = true;
  return open;
}

std::string refusal(const std::string& text) {
  try {
    decode_request(text);
  } catch (const Error& error) {
    EXPECT_TRUE(error.code() == ErrorCode::kBadFile || error.code() == ErrorCode::kInvalidArgument);
    return error.what();
  }
  return "accepted";
}

void expect_refusal(const std::string& text, const std::string& part) {
  EXPECT_NE(refusal(text).find(part), std::string::npos) << text << "\n" << refusal(text);
}

TEST(Protocol, WhatIsSaidIsUnderstood) {
  const auto open = std::get<OpenSession>(decode_request(encode(Request(session()))));
  EXPECT_EQ(open.session, 3);
  EXPECT_EQ(open.name, "camera");
  ASSERT_EQ(open.members.size(), 2u);
  EXPECT_EQ(open.members[1].name, "100%");
  EXPECT_EQ(open.members[1].accuracy, 0.9);
  ASSERT_EQ(open.options.size(), 2u);
  EXPECT_EQ(open.options[0].processor, "");
  EXPECT_EQ(open.options[1].processor, "A15");
  EXPECT_EQ(open.options[1].cores, 2);
  EXPECT_EQ(open.options[1].ms, (std::vector<double>{11, 7.25}));
  EXPECT_EQ(open.target.deadline_ms, 33);
  EXPECT_TRUE(open.target.prefer_accuracy);
  EXPECT_EQ(open.threads, (std::vector<int>{12, 13}));
  EXPECT_TRUE(open.place);

  const FrameReports sent{3, {{10.5, 33, 9, true, 1, 0.75, 12}, {0, 33, 0, false, 0}}};
  const auto reports = std::get<FrameReports>(decode_request(encode(Request(sent))));
  ASSERT_EQ(reports.frames.size(), 2u);
  EXPECT_EQ(reports.frames[0].elapsed_ms, 10.5);
  EXPECT_EQ(reports.frames[0].member, 1);
  EXPECT_FALSE(reports.frames[1].met);
  EXPECT_EQ(reports.frames[0].confidence, 0.75);
  EXPECT_LT(reports.frames[1].confidence, 0);
  EXPECT_EQ(reports.frames[0].frame, 12);
  const auto begins = std::get<FrameBegins>(decode_request(encode(Request(FrameBegins{3, 12, 32.5, {65.5, 98}}))));
  EXPECT_EQ(begins.frame, 12);
  EXPECT_EQ(begins.left_ms, 32.5);
  EXPECT_EQ(begins.waiting_ms, (std::vector<double>{65.5, 98}));
  EXPECT_EQ(std::get<Release>(decode_request(encode(Request(Release{7})))).session, 7);
  EXPECT_EQ(std::get<Hello>(decode_request(encode(Request(Hello{1, "x"})))).name, "x");
  EXPECT_TRUE(std::holds_alternative<StatusRequest>(decode_request(encode(Request(StatusRequest{})))));
  Target target;
  target.deadline_ms = 20;
  target.energy_mj = 5;
  EXPECT_EQ(std::get<NewTarget>(decode_request(encode(Request(NewTarget{1, target})))).target.energy_mj, 5);

  Assignment assignment;
  assignment.ceiling = 1;
  assignment.cpus = {2, 3};
  assignment.processor = "A15";
  assignment.khz = 1'000'000;
  assignment.met = true;
  assignment.reason = "because";
  EXPECT_EQ(std::get<Assignment>(decode_answer(encode(Answer(assignment)))), assignment);
  assignment.announce = true;
  EXPECT_EQ(std::get<Assignment>(decode_answer(encode(Answer(assignment)))), assignment);
  const auto ordered =
      std::get<FrameOrdered>(decode_answer(encode(Answer(FrameOrdered{3, 12, 1, "A15", 2, 8.5, {4, 5}, "because"}))));
  EXPECT_EQ(ordered.frame, 12);
  EXPECT_EQ(ordered.member, 1);
  EXPECT_EQ(ordered.cores, 2);
  EXPECT_EQ(ordered.expected_ms, 8.5);
  EXPECT_EQ(ordered.cpus, (std::vector<int>{4, 5}));
  const auto welcome = std::get<Welcome>(decode_answer(encode(Answer(Welcome{1, "0.1", {{"cpu", {0, 1}, {0}}}}))));
  ASSERT_EQ(welcome.processors.size(), 1u);
  EXPECT_EQ(welcome.processors[0].cpus, (std::vector<int>{0, 1}));
  EXPECT_EQ(std::get<Refusal>(decode_answer(encode(Answer(Refusal{2, "no \xff way"})))).session, 2);
}

TEST(Protocol, RefusalsSayWhatAndWhereAndWhatIsLegal) {
  expect_refusal("", "not JSON");
  expect_refusal("[]", "expected a JSON object");
  expect_refusal("{\"type\": 5}", "text 'type'");
  expect_refusal("{\"type\": \"dance\"}", "legal: hello, open, target, begin, frames, release, status");
  expect_refusal("{\"type\": \"hello\", \"protocol\": 1, \"name\": \"a\\u001b[2J\"}", "printable");
  expect_refusal("{\"type\": \"hello\", \"protocol\": 1, \"name\": \"\"}", "1 to 64 bytes");
  expect_refusal("{\"type\": \"hello\", \"protocol\": 1, \"name\": \"a\", \"x\": 1}", "unknown key 'x'");
  expect_refusal("{\"type\": \"release\", \"session\": -1}", "legal: 0 to");
  expect_refusal("{\"type\": \"release\", \"session\": 1e300}", "a whole number");
  expect_refusal("{\"type\": \"release\", \"session\": 18446744073709551615}", "2^63");
  expect_refusal("{\"type\": \"frames\", \"session\": 0, \"frames\": []}", "legal: 1 to 256");
  expect_refusal("{\"type\": \"frames\", \"session\": 0, \"frames\": [[1,2,3,4,5]]}", "[elapsed_ms, deadline_ms");
  expect_refusal("{\"type\": \"frames\", \"session\": 0, \"frames\": [[1e999,2,3,true,0]]}", "not JSON");
  expect_refusal("{\"type\": \"frames\", \"session\": 0, \"frames\": [[-1,2,3,true,0,null,0]]}", "elapsed_ms: -1");
  expect_refusal("{\"type\": \"frames\", \"session\": 0, \"frames\": [[1,2,3,true,0,null,-4]]}", "frame: -4; legal: 0");
  expect_refusal("{\"type\": \"begin\", \"session\": 0, \"frame\": 0, \"left_ms\": 5, \"waiting_ms\": []}",
                 "legal: 1 and more");
  expect_refusal("{\"type\": \"begin\", \"session\": 0, \"frame\": 1, \"left_ms\": 1e9, \"waiting_ms\": []}",
                 "'left_ms'");
  std::string deep = "{\"type\":";
  for (int i = 0; i < 20'000; ++i) deep += '[';
  expect_refusal(deep, "nested deeper");
}

TEST(Protocol, SessionsAreChecked) {
  const auto wrong = [](const auto& change) {
    OpenSession open = session();
    change(open);
    return refusal(encode(Request(open)));
  };
  EXPECT_EQ(wrong([](OpenSession&) {}), "accepted");
  EXPECT_NE(wrong([](auto& o) { o.members.clear(); }).find("'members': 0 entries"), std::string::npos);
  EXPECT_NE(wrong([](auto& o) { o.members.resize(65, {"x", 0.5}); }).find("65 entries"), std::string::npos);
  EXPECT_NE(wrong([](auto& o) { o.options[0].member = 2; }).find("legal: 0 to 1"), std::string::npos);
  EXPECT_NE(wrong([](auto& o) { o.options[0].ms = {0}; }).find("'ms'"), std::string::npos);
  EXPECT_NE(wrong([](auto& o) { o.options[0].ms.clear(); }).find("'ms'"), std::string::npos);
  EXPECT_NE(wrong([](auto& o) { o.options[0].cores = 0; }).find("'cores'"), std::string::npos);
  EXPECT_NE(wrong([](auto& o) { o.target.deadline_ms = -3; }).find("'deadline_ms'"), std::string::npos);
  EXPECT_NE(wrong([](auto& o) { o.target.weight = 0; }).find("'weight'"), std::string::npos);
  EXPECT_NE(wrong([](auto& o) { o.target.accuracy = 2; }).find("'accuracy'"), std::string::npos);
  EXPECT_NE(wrong([](auto& o) { o.threads = {1}; }).find("'threads'"), std::string::npos);
}

// Whatever comes is understood or refused; nothing else happens.
TEST(Protocol, MutatedMessagesAreUnderstoodOrRefused) {
  std::mt19937 random(5);
  const std::vector<std::string> whole = {encode(Request(session())),
                                          encode(Request(FrameReports{1, {{1, 2, 3, true, 0}}})),
                                          encode(Request(Hello{1, "name"})),
                                          encode(Answer(Assignment{})),
                                          encode(Request(FrameBegins{1, 1, 5, {9}})),
                                          encode(Answer(FrameOrdered{})),
                                          encode(Answer(Welcome{1, "1", {}}))};
  const std::string words = "{}[]\",:0-9eE.+truefalsenull\\u0000";
  int refused = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string text = whole[random() % whole.size()];
    for (uint32_t edits = random() % 4 + 1; edits > 0 && !text.empty(); --edits) {
      const std::size_t at = random() % text.size();
      switch (random() % 5) {
        case 0:
          text[at] = static_cast<char>(random());
          break;
        case 1:
          text[at] = words[random() % words.size()];
          break;
        case 2:
          text.resize(at);
          break;
        case 3:
          text.insert(at, text.substr(random() % text.size(), random() % 30));
          break;
        default:
          text.erase(at, random() % 9 + 1);
      }
    }
    try {
      decode_request(text);
    } catch (const Error&) {
      ++refused;
    }
    try {
      decode_answer(text);
    } catch (const Error&) {
      ++refused;
    }
  }
  EXPECT_GT(refused, 20'000);
}

}  // namespace
}  // namespace limber::server
