// SPDX-License-Identifier: Apache-2.0
#include "platform/clock.h"

#include <sys/resource.h>
#include <time.h>

#include <cerrno>
#include <ctime>

namespace limber {

namespace {

constexpr int64_t kSecond = 1'000'000'000;

int64_t read_clock(clockid_t id) {
  timespec t{};
  clock_gettime(id, &t);
  return t.tv_sec * kSecond + t.tv_nsec;
}

}  // namespace

int64_t now_ns() {
  return read_clock(CLOCK_MONOTONIC);
}

int64_t thread_cpu_ns() {
  return read_clock(CLOCK_THREAD_CPUTIME_ID);
}

int64_t preemptions() {
  rusage usage{};
  getrusage(RUSAGE_THREAD, &usage);
  return usage.ru_nivcsw;
}

void sleep_until_ns(int64_t moment) {
  if (moment <= now_ns()) return;
  const timespec t{static_cast<time_t>(moment / kSecond), static_cast<long>(moment % kSecond)};
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, nullptr) == EINTR) {
  }
}

std::string utc_now() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

}  // namespace limber
