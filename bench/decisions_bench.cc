// SPDX-License-Identifier: Apache-2.0
// How long the arbiter decides, and how far its decisions are from what a long search finds.
//   cmake --preset release && cmake --build build/release --target decisions_bench
//   SEARCH_SECONDS=10 taskset -c 0 build/release/bench/decisions_bench --benchmark_repetitions=9
//     --benchmark_report_aggregates_only=true
// The board is an Odroid XU3's size: four big cores with 17 clocks, four small ones with 12, a GPU with 9. "one": an
// application of 4 members on 1 to 4 cores, 500 pairs of option and point. "eight": applications of 4 members on one
// big core, one or two small ones or the GPU, 200 pairs each; from little to do to more than can be done. "all": with
// parked processors, applications that prefer accuracy, and energy caps. Times are means over random problems.
//
// For every problem of "eight" a search of SEARCH_SECONDS (0, the default: none) starts from random points and options
// and changes one or two of them as long as that helps; it shares only judge() with the arbiter. Columns: how much more
// power the arbiter's decision takes, in percent, where both are equal in unmet and loss; otherwise what the search
// found.
#include <benchmark/benchmark.h>
#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "manager/arbiter_cases.h"

namespace {

using namespace limber;

struct Named {
  const char* name;
  double work;
  bool fields;   // parked processors, accuracy preferred, energy caps
  double cap_w;  // of what it takes without a cap
};
constexpr unsigned kTimed = 16, kSearched = 2;  // random problems of each kind
constexpr double kNone = std::numeric_limits<double>::infinity();
constexpr Named kEight[] = {
    {"light", 0.3, false, kNone},    {"busy", 0.8, false, kNone},         {"full", 1.4, false, kNone},
    {"overloaded", 3, false, kNone}, {"light, all", 0.3, true, kNone},    {"busy, all", 0.8, true, kNone},
    {"full, all", 1.4, true, kNone}, {"overloaded, all", 3, true, kNone}, {"busy, all, cap", 0.8, true, 0.8}};

ArbiterProblem one_application() {
  std::mt19937 random(1);
  const std::vector<int> threads{1, 2, 3, 4};
  ArbiterCase what;
  what.processors = {{4, 17, threads, 1}, {4, 12, threads, 0.4}, {1, 9, {1}, 2}};
  what.members = 4;
  return random_arbiter_problem(what, &random);
}

ArbiterProblem eight_applications(const Named& named, unsigned seed) {
  std::mt19937 random(seed);
  ArbiterCase what;
  what.processors = {{4, 17, {1}, 1}, {4, 12, {1, 2}, 0.4}, {1, 9, {1}, 2}};
  what.applications = 8;
  what.members = 4;
  what.work = named.work;
  what.parked = what.accuracy = what.energy = named.fields;
  ArbiterProblem problem = random_arbiter_problem(what, &random);
  if (named.cap_w < kNone) problem.power_cap_w = named.cap_w * decide(problem).power_w;
  return problem;
}

bool better(const ArbiterDecision& a, const ArbiterDecision& b) {
  if (a.unmet != b.unmet) return a.unmet < b.unmet;
  if (a.loss != b.loss) return a.loss < b.loss;
  return a.power_w < b.power_w;
}

// Single changes, until none helps.
ArbiterDecision descend(const ArbiterProblem& problem, ArbiterDecision now) {
  for (bool any = true; any;) {
    any = false;
    for (std::size_t p = 0; p < now.points.size(); ++p) {
      for (std::size_t point = 0; point < problem.processors[p].idle_w.size(); ++point) {
        std::vector<std::size_t> points = now.points;
        points[p] = point;
        ArbiterDecision other = judge(problem, std::move(points), now.options);
        if (!better(other, now)) continue;
        now = std::move(other);
        any = true;
      }
    }
    for (std::size_t a = 0; a < now.options.size(); ++a) {
      for (std::size_t o = 0; o < problem.applications[a].options.size(); ++o) {
        std::vector<std::size_t> options = now.options;
        options[a] = o;
        ArbiterDecision other = judge(problem, now.points, std::move(options));
        if (!better(other, now)) continue;
        now = std::move(other);
        any = true;
      }
    }
  }
  return now;
}

// Half the starts anew, half from the best with a few things changed.
ArbiterDecision long_search(const ArbiterProblem& problem, double seconds) {
  std::mt19937 random(7);
  const auto below = [&](std::size_t n) { return std::uniform_int_distribution<std::size_t>(0, n - 1)(random); };
  const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
  ArbiterDecision best;
  for (int64_t i = 0; i == 0 || std::chrono::steady_clock::now() < end; ++i) {
    const bool anew = i % 2 == 0;
    std::vector<std::size_t> points = best.points, options = best.options;
    points.resize(problem.processors.size());
    options.resize(problem.applications.size());
    for (std::size_t p = 0; p < points.size(); ++p) {
      if (anew || below(3) == 0) points[p] = below(problem.processors[p].idle_w.size());
    }
    for (std::size_t a = 0; a < options.size(); ++a) {
      if (anew || below(3) == 0) options[a] = below(problem.applications[a].options.size());
    }
    ArbiterDecision found = descend(problem, judge(problem, std::move(points), std::move(options)));
    if (i == 0 || better(found, best)) best = std::move(found);
  }
  return best;
}

void compare(double seconds, unsigned seeds) {
  fmt::print("against a search of {} s each\n{:<18} {:>4} {:>10} {:>10} {:>10} {:>8} {:>8} {:>9}\n", seconds, "",
             "seed", "unmet", "loss", "power, W", "ours", "search", "more, %");
  for (const Named& named : kEight) {
    for (unsigned seed = 1; seed <= seeds; ++seed) {
      const ArbiterProblem problem = eight_applications(named, seed);
      const ArbiterDecision ours = decide(problem), theirs = long_search(problem, seconds);
      const bool same = std::abs(ours.unmet - theirs.unmet) < 1e-7 && std::abs(ours.loss - theirs.loss) < 1e-7;
      fmt::print("{:<18} {:>4} {:>10.4f} {:>10.4f} {:>10.4f} {:>8} {:>8}", named.name, seed, ours.unmet, ours.loss,
                 ours.power_w, better(theirs, ours) ? "" : "best", better(ours, theirs) ? "" : "best");
      if (same)
        fmt::print(" {:>9.3f}\n", 100 * (ours.power_w / theirs.power_w - 1));
      else
        fmt::print("  search: unmet {:.4f}, loss {:.4f}, {:.4f} W\n", theirs.unmet, theirs.loss, theirs.power_w);
      std::fflush(stdout);
    }
  }
}

// The problems in turns. Beside the mean: the slowest problem's fastest time.
void time(benchmark::State& state, const std::vector<ArbiterProblem>& problems) {
  using Clock = std::chrono::steady_clock;
  std::vector<double> least(problems.size(), kNone);
  std::size_t i = 0;
  for ([[maybe_unused]] auto _ : state) {
    const auto begin = Clock::now();
    benchmark::DoNotOptimize(decide(problems[i]));
    least[i] = std::min(least[i], std::chrono::duration<double, std::micro>(Clock::now() - begin).count());
    i = (i + 1) % problems.size();
  }
  const double slowest = *std::max_element(least.begin(), least.end());
  if (slowest < kNone) state.counters["slowest_us"] = slowest;
}

}  // namespace

int main(int count, char** arguments) {
  benchmark::Initialize(&count, arguments);
  if (benchmark::ReportUnrecognizedArguments(count, arguments)) return 2;
  const auto add = [](const std::string& name, const std::vector<ArbiterProblem>& problems) {
    benchmark::RegisterBenchmark(name.c_str(), [problems](benchmark::State& state) {
      time(state, problems);
    })->Unit(benchmark::kMicrosecond);
  };
  add("one", {one_application()});
  for (const Named& named : kEight) {
    std::vector<ArbiterProblem> problems;
    for (unsigned seed = 1; seed <= kTimed; ++seed) problems.push_back(eight_applications(named, seed));
    add(fmt::format("eight, {}", named.name), problems);
  }
  benchmark::RunSpecifiedBenchmarks();
  const char* const seconds = std::getenv("SEARCH_SECONDS");
  if (seconds != nullptr && std::atof(seconds) > 0) compare(std::atof(seconds), kSearched);
  return 0;
}
