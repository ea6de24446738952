// SPDX-License-Identifier: Apache-2.0
// The policy "managed" against a limberd that this test plays.
#include "tool/run/managed.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "platform/machine.h"

namespace limber::tool {
namespace {

const std::vector<PolicyMember> kMembers = {{"25%", 1, 0.8}, {"50%", 2, 0.85}, {"100%", 4, 0.9}};

ManagedRun test_run(double floor = 0) {
  ManagedRun run;
  run.socket = testing::TempDir() + "limber-managed-" + std::to_string(::getpid()) + ".sock";
  run.name = "test";
  run.accuracy_floor = floor;
  run.home = allowed_cpus();
  return run;
}

// A frame of one image with all the time in the world.
int member_of(ManagedPolicy* policy, std::string* reason = nullptr) {
  const Decision decision = policy->decide({1, 1, 0, 0, 1000, -1, 33});
  policy->report({1, 1, true});
  if (reason != nullptr) *reason = decision.reason;
  return decision.member;
}

void assign(const server::Descriptor& client, int ceiling, int serial) {
  server::Assignment given;
  given.session = 1;
  given.serial = serial;
  given.ceiling = ceiling;
  given.cpus = {allowed_cpus().front()};
  given.reason = "because";
  server::send_packet(client.get(), server::encode(server::Answer(given)));
}

TEST(ManagedPolicy, StaysBelowTheCeilingAndSaysWhy) {
  const ManagedRun run = test_run();
  const server::Descriptor listener = server::listen_at(run.socket, 0600, -1);
  ManagedPolicy policy(kMembers, run);
  std::string reason;
  EXPECT_EQ(member_of(&policy, &reason), 2) << "nothing was decided yet";
  EXPECT_NE(reason.find("not managed"), std::string::npos) << reason;
  const server::Descriptor client(::accept(listener.get(), nullptr, nullptr));
  ASSERT_TRUE(client);
  assign(client, 0, 1);
  EXPECT_EQ(member_of(&policy, &reason), 0);
  EXPECT_NE(reason.find("limberd allows up to 25%"), std::string::npos) << reason;
  EXPECT_NE(reason.find("[managed: CPU"), std::string::npos) << reason;
  assign(client, 2, 2);
  EXPECT_EQ(member_of(&policy), 2);
  EXPECT_EQ(policy.json()["frames_managed"], 2);
  EXPECT_EQ(policy.json()["frames"], 3);
  pin_thread(run.home);
  ::unlink(run.socket.c_str());
}

TEST(ManagedPolicy, NeverGoesBelowTheAccuracyFloor) {
  const ManagedRun run = test_run(0.84);
  const server::Descriptor listener = server::listen_at(run.socket, 0600, -1);
  ManagedPolicy policy(kMembers, run);
  const server::Descriptor client(::accept(listener.get(), nullptr, nullptr));
  ASSERT_TRUE(client);
  assign(client, 0, 1);
  EXPECT_EQ(member_of(&policy), 1);
  pin_thread(run.home);
  ::unlink(run.socket.c_str());
}

}  // namespace
}  // namespace limber::tool
