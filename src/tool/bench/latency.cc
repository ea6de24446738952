// SPDX-License-Identifier: Apache-2.0
#include "tool/bench/latency.h"

#include "base/statistics.h"
#include "platform/clock.h"

namespace limber::tool {
namespace {

constexpr int kTimed = 5;  // inferences of one member in a row, after one that is not timed

double timed_ms(const Contender& contender, int member) {
  const int64_t start = now_ns();
  contender.run(member);
  return static_cast<double>(now_ns() - start) * 1e-6;
}

}  // namespace

Comparison compare(const std::vector<Contender>& contenders, const std::vector<int>& members, double seconds,
                   int least) {
  Comparison result;
  result.hot = result.round_robin = Latencies(contenders.size(), std::vector<Latency>(members.size()));
  const int64_t begin = now_ns();
  for (int round = 0; round < least || static_cast<double>(now_ns() - begin) < seconds * 1e9; ++round) {
    const auto turn = [&](std::size_t place) { return (place + static_cast<std::size_t>(round)) % contenders.size(); };
    for (std::size_t m = 0; m < members.size(); ++m) {
      for (std::size_t place = 0; place < contenders.size(); ++place) {
        const std::size_t who = turn(place);
        std::vector<double> block;
        contenders[who].run(members[m]);
        for (int timed = 0; timed < kTimed; ++timed) block.push_back(timed_ms(contenders[who], members[m]));
        Latency& latency = result.hot[who][m];
        latency.ms.insert(latency.ms.end(), block.begin(), block.end());
        latency.rounds.push_back(median(block));
      }
    }
    for (std::size_t place = 0; place < contenders.size(); ++place) {
      const std::size_t who = turn(place);
      contenders[who].run(members.back());
      for (std::size_t m = 0; m < members.size(); ++m) {
        Latency& latency = result.round_robin[who][m];
        latency.ms.push_back(timed_ms(contenders[who], members[m]));
        latency.rounds.push_back(latency.ms.back());
      }
    }
  }
  return result;
}

double paired_ratio(const Latency& a, const Latency& b) {
  std::vector<double> ratios;
  for (std::size_t i = 0; i < std::min(a.rounds.size(), b.rounds.size()); ++i)
    ratios.push_back(a.rounds[i] / b.rounds[i]);
  return median(std::move(ratios));
}

}  // namespace limber::tool
