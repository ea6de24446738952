// SPDX-License-Identifier: Apache-2.0
// The policy "managed" against a limberd that this test plays.
#include "tool/run/managed.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <thread>

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

void assign(const server::Descriptor& client, int ceiling, int serial, bool announce = false) {
  server::Assignment given;
  given.session = 1;
  given.serial = serial;
  given.ceiling = ceiling;
  given.cpus = {allowed_cpus().front()};
  given.announce = announce;
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

// Plays a limberd that orders `member` for the next frame.
class Orders {
 public:
  Orders(const server::Descriptor& client, int member, double expected_ms)
      : thread_([&client, member, expected_ms] {
          server::FrameOrdered order;
          for (int i = 0; i < 1000 && order.frame == 0; ++i) {
            const server::Packet packet = server::receive_packet(client.get());
            if (packet.kind != server::Packet::Kind::kText) {
              ::usleep(100);
              continue;
            }
            const server::Request request = server::decode_request(packet.text);
            if (const auto* begins = std::get_if<server::FrameBegins>(&request)) order.frame = begins->frame;
          }
          order.session = 1;
          order.member = member;
          order.expected_ms = expected_ms;
          order.cpus = {allowed_cpus().front()};
          order.reason = "it is enough";
          server::send_packet(client.get(), server::encode(server::Answer(order)));
        }) {}
  ~Orders() { thread_.join(); }

 private:
  std::thread thread_;
};

TEST(ManagedPolicy, DoesWhatIsOrderedForAFrame) {
  const ManagedRun run = test_run();
  const server::Descriptor listener = server::listen_at(run.socket, 0600, -1);
  ManagedPolicy policy(kMembers, run);
  const server::Descriptor client(::accept(listener.get(), nullptr, nullptr));
  ASSERT_TRUE(client);
  assign(client, 2, 1, true);
  std::string reason;
  // At half the clock: slow as planned, and no reason to go down. On a busy machine some orders come too late.
  for (int i = 0, ordered = 0; i < 200 && ordered < 5; ++i) {
    const Orders orders(client, 1, 4);
    const Decision decision = policy.decide({1, 1, 0, 0, 100, -1, 33});
    const bool in_time = policy.json()["frames_ordered"] > ordered;
    policy.report({4, in_time ? 2.0 : 4.0, true});
    if (!in_time) continue;
    ++ordered;
    EXPECT_EQ(decision.member, 1);
    reason = decision.reason;
  }
  EXPECT_NE(reason.find("limberd orders 50%"), std::string::npos) << reason;
  EXPECT_NE(reason.find("it is enough"), std::string::npos) << reason;
  EXPECT_EQ(policy.json()["frames_ordered"], 5);
  // Nobody answers: as assigned, and not much later.
  EXPECT_EQ(policy.decide({1, 1, 0, 0, 100, -1, 33}).member, 2);
  policy.report({4, 4, true});
  EXPECT_EQ(policy.json()["frames_ordered"], 5);
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
