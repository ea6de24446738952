// SPDX-License-Identifier: Apache-2.0
// The managed session's API without a daemon; with one: server/daemon/limberd_test.cc.
#include <gtest/gtest.h>

#include "limber/managed.hpp"

namespace {

limber::ManagedOptions options() {
  return {.name = "test",
          .members = {{"small", 0.8}, {"large", 0.9}},
          .options = {{0, 4.0}, {1, 11.0}},
          .target = {.deadline_ms = 33, .accuracy = 0.85},
          .socket = testing::TempDir() + "no-limberd.sock"};
}

TEST(ManagedApi, WithoutADaemonItManagesItself) {
  limber::ManagedSession managed(options());
  EXPECT_FALSE(managed.wait(10));
  EXPECT_FALSE(managed.managed());
  EXPECT_EQ(managed.ceiling(), 1);
  EXPECT_EQ(managed.floor(), 1);
  EXPECT_TRUE(managed.cpus().empty());
  EXPECT_NE(managed.reason().find("self-managed: no limberd at "), std::string_view::npos) << managed.reason();
  managed.report(12, true, 1);
  managed.report(12, true, 1, 0.9);
  managed.set_target({.deadline_ms = 50, .accuracy = 0.5});
  managed.update();
  EXPECT_EQ(managed.floor(), 0);
  EXPECT_EQ(managed.fd(), -1);
}

TEST(ManagedApi, FramesCanBeAnnounced) {
  auto with = options();
  with.announces = true;
  limber::ManagedSession managed(with);
  EXPECT_FALSE(managed.begin(33)) << "nobody is there to order anything";
  EXPECT_EQ(managed.ceiling(), 1);
  managed.report(12, true, 1);
  limber::ManagedSession silent(options());
  try {
    silent.begin(33);
    FAIL();
  } catch (const limber::Error& error) {
    EXPECT_EQ(error.code(), limber::ErrorCode::kInvalidArgument);
    EXPECT_NE(std::string(error.what()).find("set announces to 1"), std::string::npos) << error.what();
  }
}

TEST(ManagedApi, NamesWhatIsNotLegal) {
  const auto refusal = [](limber::ManagedOptions wrong) -> std::string {
    try {
      limber::ManagedSession managed(wrong);
    } catch (const limber::Error& error) {
      EXPECT_EQ(error.code(), limber::ErrorCode::kInvalidArgument);
      return error.what();
    }
    return "accepted";
  };
  auto wrong = options();
  wrong.target.deadline_ms = 0;
  EXPECT_NE(refusal(wrong).find("deadline_ms"), std::string::npos) << refusal(wrong);
  wrong = options();
  wrong.options.push_back({2, 5.0});
  EXPECT_NE(refusal(wrong).find("legal: 0 to 1"), std::string::npos) << refusal(wrong);
  wrong = options();
  wrong.members[0].accuracy = 80;
  EXPECT_NE(refusal(wrong).find("accuracy of member 'small'"), std::string::npos) << refusal(wrong);
  wrong = options();
  wrong.options.clear();
  EXPECT_NE(refusal(wrong).find("0 options"), std::string::npos) << refusal(wrong);

  limber::ManagedSession managed(options());
  EXPECT_THROW(managed.report(5, true, 2), limber::Error);
  EXPECT_EQ(limber_managed_open(nullptr, nullptr), nullptr);
  limber_managed* unstarted = limber_managed_open("x", nullptr);
  EXPECT_EQ(limber_managed_update(unstarted), -1);
  EXPECT_EQ(limber_managed_ceiling(unstarted), -1);
  EXPECT_EQ(limber_managed_set(unstarted, "colour", "red"), LIMBER_INVALID_ARGUMENT);
  EXPECT_NE(std::string(limber_last_error()).find("legal: deadline_ms"), std::string::npos);
  limber_managed_free(unstarted);
}

}  // namespace
