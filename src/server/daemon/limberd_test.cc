// SPDX-License-Identifier: Apache-2.0
// limberd with real processes and sockets: what happens when something dies, and what hostile clients achieve.
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/resource.h>

#include <random>

#include "base/error.h"
#include "server/daemon/test_limberd.h"

namespace limber::server {
namespace {

bool self_managed_soon(ManagedSession* session) {
  return soon([&] {
    session->update();
    return !session->managed();
  });
}

bool managed_soon(ManagedSession* session) {
  return soon([&] {
    session->update();
    return session->managed();
  });
}

// On a busy machine an answer may come too late for one frame.
std::optional<FrameOrdered> ordered_soon(ManagedSession* session, double left_ms) {
  std::optional<FrameOrdered> order;
  soon([&] {
    order = session->begin(left_ms);
    return order.has_value();
  });
  return order;
}

TEST(Limberd, ManagesAndEndsCleanly) {
  TestLimberd limberd;
  limberd.start({"--boost", "off"});
  {
    ManagedSession session(test_session(limberd));
    ASSERT_TRUE(session.wait(2000)) << session.assignment().reason << "\n" << limberd.log();
    EXPECT_EQ(session.assignment().ceiling, 0) << "the smaller is enough";
    EXPECT_FALSE(session.assignment().cpus.empty());
    Target target = session.target();
    target.accuracy = 0.85;
    session.set_target(target);
    EXPECT_TRUE(soon([&] { return session.update() && session.assignment().floor == 1; }));
    for (int i = 0; i < 40; ++i) session.report({11, 33, 11, true, 1});
    EXPECT_TRUE(soon([&] {
      session.update();
      const json status = limberd.status();
      return status["clients"].size() == 1 && status["clients"][0]["sessions"][0]["frames"] == 40;
    })) << limberd.status().dump(1);
  }
  EXPECT_TRUE(soon([&] { return limberd.clients() == 0; }));
  ::kill(limberd.supervisor, SIGTERM);
  EXPECT_EQ(limberd.wait(), 0) << limberd.log();
  EXPECT_FALSE(std::filesystem::exists(limberd.socket()));
}

TEST(Limberd, AKilledClientHoldsNothing) {
  TestLimberd limberd;
  limberd.start({"--boost", "off"});
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  const pid_t client = ::fork();
  if (client == 0) {
    ManagedSession session(test_session(limberd));
    const char there = session.wait(2000) ? 'y' : 'n';
    if (::write(ready[1], &there, 1) == 1) ::pause();
    ::_exit(0);
  }
  char there = 0;
  ASSERT_EQ(::read(ready[0], &there, 1), 1);
  ASSERT_EQ(there, 'y');
  ASSERT_EQ(limberd.clients(), 1u);
  ::kill(client, SIGKILL);
  EXPECT_TRUE(soon([&] { return limberd.clients() == 0; })) << limberd.status().dump(1);
  ::waitpid(client, nullptr, 0);
}

TEST(Limberd, AKilledDaemonLeavesNothingAndClientsCarryOn) {
  TestLimberd limberd;
  const std::string machine = limberd.make_machine();
  limberd.start({"--boost", "off", "--sysfs-root", machine});
  ManagedSession session(test_session(limberd));
  ASSERT_TRUE(session.wait(2000)) << limberd.log();
  ASSERT_TRUE(soon([&] { return limberd.clock("scaling_max_freq") != "2000000"; })) << "4 ms at 2 GHz leave room";
  TestLimberd::kill_hard(limberd.daemon());
  EXPECT_TRUE(self_managed_soon(&session));
  EXPECT_EQ(session.assignment().ceiling, 1) << "it may do as it likes";
  EXPECT_NE(session.assignment().reason.find("self-managed: "), std::string::npos);
  EXPECT_TRUE(soon([&] { return limberd.clock("scaling_max_freq") == "2000000"; })) << limberd.log();
  EXPECT_NE(limberd.wait(), 0) << "a service manager must see that it failed";
  EXPECT_FALSE(std::filesystem::exists(limberd.state()));
  limberd.start({"--boost", "off", "--sysfs-root", machine});
  EXPECT_TRUE(managed_soon(&session)) << session.assignment().reason;
  EXPECT_EQ(session.connections(), 2);
}

TEST(Limberd, AKilledHelperIsReplaced) {
  TestLimberd limberd;
  const std::string machine = limberd.make_machine();
  limberd.start({"--boost", "off", "--sysfs-root", machine});
  ManagedSession session(test_session(limberd));
  ASSERT_TRUE(session.wait(2000)) << limberd.log();
  const auto low = [&] { return limberd.clock("scaling_max_freq") != "2000000"; };
  ASSERT_TRUE(soon(low));
  const int helper = limberd.helper();
  ASSERT_GT(helper, 0);
  TestLimberd::kill_hard(helper);
  ASSERT_TRUE(soon([&] { return limberd.helper() != 0 && limberd.helper() != helper; }, 2000)) << limberd.log();
  EXPECT_TRUE(soon([&] { return limberd.log().find("ordered anew") != std::string::npos; })) << limberd.log();
  EXPECT_TRUE(soon([&] { return limberd.log().find("a predecessor had left") != std::string::npos; })) << limberd.log();
  EXPECT_TRUE(soon(low)) << "the new one has done it again";
  session.update();
  EXPECT_TRUE(session.managed()) << "clients do not notice";
  EXPECT_EQ(session.connections(), 1);
  ::kill(limberd.supervisor, SIGTERM);
  EXPECT_EQ(limberd.wait(), 0) << limberd.log();
  EXPECT_EQ(limberd.clock("scaling_max_freq"), "2000000");
  EXPECT_FALSE(std::filesystem::exists(limberd.state()));
}

TEST(Limberd, AHelperThatKeepsDyingIsDoneWithout) {
  TestLimberd limberd;
  limberd.start({"--boost", "off", "--sysfs-root", limberd.make_machine()});
  ManagedSession session(test_session(limberd));
  ASSERT_TRUE(session.wait(2000));
  int helper = 0, last = 0;
  for (int i = 0; i < 6; ++i) {
    ASSERT_TRUE(soon([&] { return (helper = limberd.helper()) != 0 && helper != last; }, 2000)) << i;
    TestLimberd::kill_hard(last = helper);
  }
  EXPECT_TRUE(soon([&] { return limberd.log().find("going on without") != std::string::npos; }, 2000)) << limberd.log();
  EXPECT_TRUE(soon([&] { return limberd.status()["helper"] == false; }, 2000));
  ManagedSession another(test_session(limberd, "another"));
  EXPECT_TRUE(another.wait(2000)) << "cores are still divided";
}

TEST(Limberd, AKilledStarterTakesTheOthersWithIt) {
  TestLimberd limberd;
  limberd.start({"--boost", "off", "--sysfs-root", limberd.make_machine()});
  ManagedSession session(test_session(limberd));
  ASSERT_TRUE(session.wait(2000)) << limberd.log();
  ASSERT_TRUE(soon([&] { return limberd.clock("scaling_max_freq") != "2000000"; }));
  TestLimberd::kill_hard(limberd.supervisor);
  EXPECT_EQ(limberd.wait(), 128 + SIGKILL);
  EXPECT_TRUE(self_managed_soon(&session));
  EXPECT_TRUE(soon([&] { return limberd.clock("scaling_max_freq") == "2000000"; })) << limberd.log();
  EXPECT_FALSE(limberd.there());
  limberd.start({"--boost", "off"});  // in place of the socket that was left
  EXPECT_TRUE(managed_soon(&session)) << session.assignment().reason;
}

TEST(Limberd, WhatAllOfThemLeftIsRestoredByTheNext) {
  TestLimberd limberd;
  const std::string machine = limberd.make_machine();
  limberd.start({"--boost", "off", "--sysfs-root", machine});
  ManagedSession session(test_session(limberd));
  ASSERT_TRUE(session.wait(2000)) << limberd.log();
  ASSERT_TRUE(soon([&] { return limberd.clock("scaling_max_freq") != "2000000"; }));
  const int daemon = limberd.daemon(), helper = limberd.helper();
  ::kill(limberd.supervisor, SIGSTOP);  // so that it starts no other helper in between
  TestLimberd::kill_hard(helper);
  TestLimberd::kill_hard(daemon);
  ::kill(limberd.supervisor, SIGKILL);
  limberd.wait();
  ASSERT_NE(limberd.clock("scaling_max_freq"), "2000000") << "nobody was left to restore it";
  ASSERT_TRUE(std::filesystem::exists(limberd.state()));
  limberd.start({"--boost", "off", "--sysfs-root", machine});
  EXPECT_TRUE(soon([&] { return limberd.log().find("a predecessor had left") != std::string::npos; })) << limberd.log();
  EXPECT_TRUE(managed_soon(&session));
  ::kill(limberd.supervisor, SIGTERM);
  limberd.wait();
  EXPECT_EQ(limberd.clock("scaling_max_freq"), "2000000");
  EXPECT_EQ(limberd.clock("scaling_min_freq"), "500000");
}

TEST(Limberd, ASecondOneIsRefused) {
  TestLimberd limberd;
  limberd.start({"--boost", "off"});
  const std::string command = std::string(LIMBERD) + " --boost off --socket " + limberd.socket() + " 2>&1";
  FILE* pipe = ::popen(command.c_str(), "r");
  char buffer[500] = {};
  const std::size_t got = std::fread(buffer, 1, sizeof buffer - 1, pipe);
  EXPECT_EQ(WEXITSTATUS(::pclose(pipe)), 1);
  EXPECT_NE(std::string(buffer, got).find("another limberd listens there"), std::string::npos) << buffer;
  EXPECT_TRUE(limberd.there());
}

TEST(Limberd, HostileClientsGetAnswersOrAreCutOff) {
  TestLimberd limberd;
  limberd.start({"--boost", "off"});
  ManagedSession session(test_session(limberd));
  ASSERT_TRUE(session.wait(2000));
  std::mt19937 random(11);
  std::string reason;
  for (int client = 0; client < 20; ++client) {
    const Descriptor socket = connect_to(limberd.socket(), reason);
    ASSERT_TRUE(socket) << reason;
    if (client % 2 == 0) send_packet(socket.get(), encode(Request(Hello{1, "hostile"})));
    for (int i = 0; i < 150; ++i) {
      std::string packet = encode(Request(test_session(limberd).session));
      if (i % 10 == 0) {
        packet.assign(random() % 150'000, '[');
      } else {
        for (int edits = 0; edits < 5; ++edits) packet[random() % packet.size()] = static_cast<char>(random());
        packet.resize(random() % packet.size() + 1);
      }
      if (send_packet(socket.get(), packet) == Sent::kClosed) break;
      receive_packet(socket.get());
    }
  }
  EXPECT_TRUE(soon([&] { return limberd.clients() == 1; }, 3000)) << limberd.status().dump(1);
  session.update();
  EXPECT_TRUE(session.managed());
  EXPECT_EQ(session.connections(), 1);
}

TEST(Limberd, ProtocolAndOrderAreChecked) {
  TestLimberd limberd;
  limberd.start({"--boost", "off"});
  std::string reason;
  const Descriptor socket = connect_to(limberd.socket(), reason);
  const auto ask = [&](const std::string& request) {
    send_packet(socket.get(), request);
    Packet packet;
    soon([&] {
      packet = receive_packet(socket.get());
      return packet.kind != Packet::Kind::kNothing;
    });
    return packet.text;
  };
  EXPECT_NE(ask(encode(Request(StatusRequest{}))).find("the first message must be hello"), std::string::npos);
  EXPECT_NE(ask(encode(Request(Hello{kProtocol, "x"}))).find("welcome"), std::string::npos);
  EXPECT_NE(ask(encode(Request(Release{4}))).find("session 4 is not open"), std::string::npos);
  EXPECT_NE(ask(std::string(100'000, ' ')).find("at most so many are read"), std::string::npos);
  OpenSession open = test_session(limberd).session;
  open.threads = {::getppid()};
  EXPECT_NE(ask(encode(Request(open))).find("is none of process"), std::string::npos);
  EXPECT_NE(ask(encode(Request(Hello{1, "x"}))).find("protocol 1 is not spoken here; legal: 2"), std::string::npos);
  EXPECT_EQ(ask(encode(Request(StatusRequest{}))), "") << "the connection has ended";
}

// A frame of an application that announces them: the clock it needs while it runs, the lowest between two.
TEST(Limberd, OrdersEveryAnnouncedFrame) {
  TestLimberd limberd;
  const std::string machine = limberd.make_machine();
  limberd.start({"--boost", "off", "--sysfs-root", machine});
  ManagedSettings settings = test_session(limberd);
  settings.session.announces = true;
  settings.session.options = {{0, "", 1, {100}}, {1, "", 1, {333}}};  // so long that a busy machine does not matter
  settings.session.target.deadline_ms = 1000;
  settings.session.target.rate_hz = 1;
  settings.session.target.accuracy = 0.85;
  ManagedSession session(settings);
  ASSERT_TRUE(session.wait(2000)) << limberd.log();
  ASSERT_TRUE(session.assignment().announce) << session.assignment().reason;
  const auto clock_is = [&](const char* khz, int milliseconds = 1000) {
    return soon([&] { return limberd.clock("scaling_max_freq") == khz && limberd.clock("scaling_min_freq") == khz; },
                milliseconds);
  };
  const auto order = ordered_soon(&session, 1000);
  ASSERT_TRUE(order) << limberd.log();
  EXPECT_EQ(order->member, 1) << "the floor";
  EXPECT_EQ(order->cpus.size(), 1u);
  EXPECT_NEAR(order->expected_ms, 666 + 1.2, 0.1) << "333 ms at 2 GHz are 666 at 1 GHz, once the clock has woken";
  EXPECT_TRUE(clock_is("1000000", 500)) << limberd.clock("scaling_max_freq");
  session.report({666, 1000, 333, true, 1});
  EXPECT_TRUE(clock_is("500000")) << "it rests";
  const auto hurry = ordered_soon(&session, 400);
  ASSERT_TRUE(hurry);
  EXPECT_TRUE(clock_is("2000000")) << hurry->reason;
  session.report({333, 400, 333, true, 1});
  EXPECT_TRUE(clock_is("500000"));
  // One that takes longer than planned gets the highest clock although nobody says anything.
  ASSERT_TRUE(ordered_soon(&session, 1000));
  EXPECT_TRUE(clock_is("1000000", 500));
  EXPECT_TRUE(clock_is("2000000", 3000)) << "boosted";
  EXPECT_EQ(limberd.status()["clients"][0]["sessions"][0]["frames"], 2);
}

TEST(Limberd, AKilledClientsFrameEnds) {
  TestLimberd limberd;
  limberd.start({"--boost", "off", "--sysfs-root", limberd.make_machine()});
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  const pid_t client = ::fork();
  if (client == 0) {
    ManagedSettings settings = test_session(limberd);
    settings.session.announces = true;
    ManagedSession session(settings);
    const char there = session.wait(2000) && ordered_soon(&session, 13) ? 'y' : 'n';
    if (::write(ready[1], &there, 1) == 1) ::pause();
    ::_exit(0);
  }
  char there = 0;
  ASSERT_EQ(::read(ready[0], &there, 1), 1);
  ASSERT_EQ(there, 'y') << limberd.log();
  EXPECT_TRUE(soon([&] { return limberd.clock("scaling_min_freq") != "500000"; }));
  ::kill(client, SIGKILL);
  EXPECT_TRUE(soon([&] {
    return limberd.clock("scaling_min_freq") == "500000" && limberd.clock("scaling_max_freq") == "2000000";
  })) << limberd.log();
  ::waitpid(client, nullptr, 0);
}

// Where clocks are not to be set there is nothing to order, and the application's own choice is the better one.
TEST(Limberd, WhereNoClockObeysFramesAreNotOrdered) {
  TestLimberd limberd;
  const std::string machine = limberd.make_machine();
  limberd.start({"--boost", "off", "--sysfs-root", machine});
  ManagedSettings settings = test_session(limberd);
  settings.session.announces = true;
  ManagedSession session(settings);
  ASSERT_TRUE(session.wait(2000)) << limberd.log();
  ASSERT_TRUE(session.assignment().announce);
  std::filesystem::remove_all(machine + "/sys/devices/system/cpu/cpufreq/policy0");
  session.begin(33);
  EXPECT_TRUE(soon([&] {
    session.update();
    return !session.assignment().announce;
  })) << session.assignment().reason
      << limberd.log();
  EXPECT_TRUE(session.managed()) << session.assignment().reason << limberd.log();
  EXPECT_FALSE(session.begin(33));
  EXPECT_FALSE(limberd.status()["refused"].empty());
}

TEST(Limberd, PlacesThreadsAndPutsThemBack) {
  cpu_set_t before;
  ASSERT_EQ(::sched_getaffinity(0, sizeof before, &before), 0);
  if (CPU_COUNT(&before) < 2) GTEST_SKIP() << "one CPU: nowhere to go";
  TestLimberd limberd;
  limberd.start({"--boost", "off"});
  cpu_set_t now;
  const auto count = [&] {
    ::sched_getaffinity(0, sizeof now, &now);
    return CPU_COUNT(&now);
  };
  {
    ManagedSettings settings = test_session(limberd);
    settings.session.place = true;
    ManagedSession session(settings);
    ASSERT_TRUE(session.wait(2000));
    EXPECT_TRUE(soon([&] { return count() == 1; })) << limberd.log();
    EXPECT_TRUE(CPU_ISSET(static_cast<unsigned>(session.assignment().cpus.at(0)), &now));
  }
  EXPECT_TRUE(soon([&] { return count() == CPU_COUNT(&before); })) << limberd.log();
}

TEST(Limberd, BoostsByNiceAndTakesItBack) {
  if (::geteuid() != 0) GTEST_SKIP() << "not root: a thread cannot be made nicer and then less so again";
  TestLimberd limberd;
  limberd.start({"--boost", "nice=-7"});
  const int before = ::getpriority(PRIO_PROCESS, 0);
  {
    ManagedSession session(test_session(limberd));
    ASSERT_TRUE(session.wait(2000));
    EXPECT_TRUE(soon([&] { return ::getpriority(PRIO_PROCESS, 0) == -7; })) << limberd.status().dump(1);
    TestLimberd::kill_hard(limberd.daemon());
    EXPECT_TRUE(soon([&] { return ::getpriority(PRIO_PROCESS, 0) == before; })) << limberd.log();
    limberd.wait();
    limberd.start({"--boost", "nice=-7"});
    EXPECT_TRUE(managed_soon(&session));
    EXPECT_TRUE(soon([&] { return ::getpriority(PRIO_PROCESS, 0) == -7; }));
  }
  EXPECT_TRUE(soon([&] { return ::getpriority(PRIO_PROCESS, 0) == before; })) << limberd.log();
  EXPECT_NE(limberd.status()["uid"], 0) << "the daemon itself has no rights";
}

TEST(Limberd, BoostsByTheWeightOfAGroup) {
  if (::geteuid() != 0) GTEST_SKIP() << "not root: no control groups";
  TestLimberd limberd;
  limberd.start({"--boost", "weight=400"});
  const json status = limberd.status();
  for (const json& knob : status["machine"]["knobs"])
    if (knob["name"] == "share of an application (cgroup)" && knob["writable"] == false) GTEST_SKIP() << knob["reason"];
  const auto group = [] { return TestLimberd::text("/proc/self/cgroup"); };
  const std::string before = group();
  {
    ManagedSession session(test_session(limberd));
    ASSERT_TRUE(session.wait(2000));
    EXPECT_TRUE(soon([&] { return group().find("limber-p") != std::string::npos; })) << limberd.status().dump(1);
  }
  EXPECT_TRUE(soon([&] { return group() == before; })) << group() << limberd.log();
}

}  // namespace
}  // namespace limber::server
