// SPDX-License-Identifier: Apache-2.0
// The public API beside a real limberd: this file sees nothing else of Limber.
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "limber/managed.hpp"

namespace {

TEST(LimberdApi, AManagedSession) {
  const std::string socket = testing::TempDir() + "limberd-api-" + std::to_string(::getpid()) + ".sock";
  limber::ManagedSession managed({.name = "api",
                                  .members = {{"small", 0.8}, {"large", 0.9}},
                                  .options = {{0, 4.0}, {1, 11.0}},
                                  .target = {.deadline_ms = 33, .prefer = limber::Prefer::kAccuracy},
                                  .socket = socket});
  EXPECT_FALSE(managed.managed());
  const pid_t daemon = ::fork();
  if (daemon == 0) {
    ::execl(LIMBERD, LIMBERD, "--socket", socket.c_str(), "--boost", "off", nullptr);
    ::_exit(127);
  }
  for (int i = 0; i < 100 && !managed.managed(); ++i) {
    managed.update();
    managed.wait(50);
    ::usleep(20'000);
  }
  ASSERT_TRUE(managed.managed()) << managed.reason();
  EXPECT_EQ(managed.ceiling(), 1);
  EXPECT_FALSE(managed.cpus().empty());
  EXPECT_FALSE(managed.processor().empty());
  EXPECT_TRUE(managed.met());
  EXPECT_GE(managed.fd(), 0);
  managed.report(11, true, 1);
  managed.update();
  managed.set_target({.deadline_ms = 33, .accuracy = 0.85, .prefer = limber::Prefer::kEfficiency});
  pollfd ready{managed.fd(), POLLIN, 0};
  EXPECT_EQ(::poll(&ready, 1, 2000), 1) << "the other target changes what is assigned";
  EXPECT_TRUE(managed.update());
  EXPECT_EQ(managed.floor(), 1);
  ::kill(daemon, SIGTERM);
  ::waitpid(daemon, nullptr, 0);
  EXPECT_TRUE(managed.update());
  EXPECT_FALSE(managed.managed());
  EXPECT_NE(managed.reason().find("self-managed"), std::string_view::npos);
}

}  // namespace
