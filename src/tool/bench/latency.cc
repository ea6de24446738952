// SPDX-License-Identifier: Apache-2.0
#include "tool/bench/latency.h"

#include <chrono>
#include <cmath>
#include <limits>
#include <thread>

#include "base/statistics.h"
#include "platform/clock.h"

namespace limber::tool {
namespace {

constexpr int kTimed = 5;  // inferences of one member in a row, after one that is not timed

// Longer than any runtime's threads spin for more work after their last inference.
constexpr std::chrono::milliseconds kRest{20};

Timed timed(const Contender& contender, int member) {
  const Stopwatch watch;
  contender.run(member);
  return watch.stop();
}

double calm_median(const Samples& samples) {
  return !samples.calm().empty() ? median(samples.calm()) : std::numeric_limits<double>::quiet_NaN();
}

}  // namespace

Comparison compare(const std::vector<Contender>& contenders, const std::vector<int>& members, double seconds, bool rest,
                   int least) {
  Comparison result;
  const auto settle = [&] {
    if (rest) std::this_thread::sleep_for(kRest);
  };
  result.hot = result.round_robin = Latencies(contenders.size(), std::vector<Latency>(members.size()));
  const int64_t begin = now_ns();
  for (int round = 0; round < least || static_cast<double>(now_ns() - begin) < seconds * 1e9; ++round) {
    const auto turn = [&](std::size_t place) { return (place + static_cast<std::size_t>(round)) % contenders.size(); };
    for (std::size_t m = 0; m < members.size(); ++m) {
      for (std::size_t place = 0; place < contenders.size(); ++place) {
        const std::size_t who = turn(place);
        Latency& latency = result.hot[who][m];
        Samples block;
        settle();
        contenders[who].run(members[m]);
        for (int i = 0; i < kTimed; ++i) {
          const Timed time = timed(contenders[who], members[m]);
          latency.ms.add(time);
          block.add(time);
        }
        latency.rounds.push_back(calm_median(block));
      }
    }
    for (std::size_t place = 0; place < contenders.size(); ++place) {
      const std::size_t who = turn(place);
      settle();
      contenders[who].run(members.back());
      for (std::size_t m = 0; m < members.size(); ++m) {
        Latency& latency = result.round_robin[who][m];
        const Timed time = timed(contenders[who], members[m]);
        latency.ms.add(time);
        latency.rounds.push_back(time.calm ? time.ms : std::numeric_limits<double>::quiet_NaN());
      }
    }
  }
  return result;
}

double paired_ratio(const Latency& a, const Latency& b) {
  std::vector<double> ratios;
  for (std::size_t i = 0; i < std::min(a.rounds.size(), b.rounds.size()); ++i) {
    const double ratio = a.rounds[i] / b.rounds[i];
    if (std::isfinite(ratio)) ratios.push_back(ratio);
  }
  return ratios.empty() ? std::numeric_limits<double>::quiet_NaN() : median(std::move(ratios));
}

}  // namespace limber::tool
