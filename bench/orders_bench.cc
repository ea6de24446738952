// SPDX-License-Identifier: Apache-2.0
// What an announced frame costs its application: a question to a running limberd and its answer, and the report, with
// the frame's own work left out. Against the limberd of $LIMBERD_SOCKET. Where the machine has no clocks to set, on
// files that stand for some (a real cpufreq takes longer to obey, but nobody waits for that):
//   cmake --preset release -DLIMBER_BENCH=ON && cmake --build build/release --target orders_bench limberd
//   cpu=/tmp/machine/sys/devices/system/cpu; mkdir -p $cpu/cpufreq/policy0; put() { echo "$2" >$cpu/$1; }
//   put online 0-1; put cpufreq/policy0/related_cpus '0 1'; put cpufreq/policy0/scaling_governor schedutil
//   put cpufreq/policy0/scaling_available_frequencies '500000 1000000 2000000'
//   put cpufreq/policy0/scaling_min_freq 500000; put cpufreq/policy0/scaling_max_freq 2000000
//   export LIMBERD_SOCKET=/tmp/limberd.sock; build/release/limberd --boost off --sysfs-root /tmp/machine &
//   build/release/bench/orders_bench [FRAMES [PERIOD_MS]]
// Prints microseconds of begin() and of report(): median, 99th percentile, most.
#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <thread>
#include <vector>

#include "server/managed_session.h"

namespace {

using Clock = std::chrono::steady_clock;

void print(const char* what, std::vector<double> us) {
  std::sort(us.begin(), us.end());
  fmt::print("{}: median {:.0f} us, 99th percentile {:.0f}, most {:.0f}\n", what, us[us.size() / 2],
             us[us.size() * 99 / 100], us.back());
}

}  // namespace

int main(int argc, char** argv) {
  using namespace limber::server;
  const int frames = argc > 1 ? std::atoi(argv[1]) : 1000, period_ms = argc > 2 ? std::atoi(argv[2]) : 10;
  ManagedSettings settings;
  settings.session.name = "orders_bench";
  for (int m = 0; m < 8; ++m) {
    settings.session.members.push_back({fmt::format("{}", m), 0.8 + 0.01 * m});
    settings.session.options.push_back({m, "", 1, {1.0 + m}});
  }
  settings.session.target.deadline_ms = period_ms;
  settings.session.target.rate_hz = 1000.0 / period_ms;
  settings.session.announces = true;
  ManagedSession session(settings);
  if (!session.wait(1000) || !session.assignment().announce) {
    fmt::print("no limberd that orders frames: {}\n", session.assignment().reason);
    return 1;
  }
  std::vector<double> begins, reports;
  int ordered = 0;
  for (int i = 0; i < std::max(1, frames); ++i) {
    const auto before = Clock::now();
    const auto order = session.begin(period_ms);
    const auto between = Clock::now();
    ordered += order.has_value();
    std::this_thread::sleep_for(std::chrono::milliseconds(std::max(1, period_ms / 2)));
    const auto late = Clock::now();
    session.report({2, 10, 1, true, order ? order->member : 0});
    const auto after = Clock::now();
    begins.push_back(std::chrono::duration<double, std::micro>(between - before).count());
    reports.push_back(std::chrono::duration<double, std::micro>(after - late).count());
    std::this_thread::sleep_for(std::chrono::milliseconds(std::max(1, period_ms / 2)));
  }
  fmt::print("{} of {} frames were ordered\n", ordered, begins.size());
  print("begin ", begins);
  print("report", reports);
  return 0;
}
