// SPDX-License-Identifier: Apache-2.0
#include "kernels/peak.h"

#include <algorithm>
#include <chrono>

namespace limber::kernels {

double peak_gflops(Isa isa, double milliseconds) {
  using Clock = std::chrono::steady_clock;
  const auto loop = kernels(isa).multiply_adds;
  const auto seconds = [](Clock::duration d) { return std::chrono::duration<double>(d).count(); };
  const Clock::time_point begin = Clock::now();
  double best = 0;
  do {
    const Clock::time_point start = Clock::now();
    const double operations = loop(20000);
    best = std::max(best, operations / seconds(Clock::now() - start) * 1e-9);
  } while (seconds(Clock::now() - begin) * 1e3 < milliseconds);
  return best;
}

}  // namespace limber::kernels
