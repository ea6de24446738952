// SPDX-License-Identifier: Apache-2.0
#include "tool/simulate/compare.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <filesystem>
#include <limits>
#include <mutex>
#include <numeric>
#include <thread>

#include "base/error.h"
#include "base/statistics.h"

namespace limber::tool {
namespace {

// Calls what(i) for all i < count, on several threads.
template <typename What>
void each(std::size_t count, int threads, What what) {
  std::atomic<std::size_t> next{0};
  std::exception_ptr error;
  std::mutex mutex;
  const auto work = [&] {
    for (std::size_t i = next++; i < count; i = next++) {
      try {
        what(i);
      } catch (...) {
        const std::lock_guard lock(mutex);
        if (!error) error = std::current_exception();
      }
    }
  };
  std::vector<std::thread> pool;
  for (int t = 1; t < threads; ++t) pool.emplace_back(work);
  work();
  for (std::thread& thread : pool) thread.join();
  if (error) std::rethrow_exception(error);
}

struct Setting {
  Board board;
  std::vector<Workload> workloads;
};

Played play_seed(const Scenario& scenario, const Setting& setting, const NamedPolicy& policy, uint64_t seed) {
  Knowledge knowledge;
  knowledge.error = policy.oracle ? 0 : scenario.profile_error;
  knowledge.activity_known = policy.oracle || scenario.activity_known;
  knowledge.seed = seed;
  PlayOptions options;
  options.seed = seed;
  options.simulation = policy.simulation;
  options.oracle = policy.oracle;
  return play(scenario, setting.board, setting.workloads, knowledge, policy.make, options);
}

double energy_per_answer(double mj, int64_t answers) {
  return answers > 0 ? mj / static_cast<double>(answers) : std::numeric_limits<double>::infinity();
}

PolicyResult sum_up(const Scenario& scenario, const Setting& setting, const std::string& name,
                    const std::vector<Played>& seeds) {
  PolicyResult result;
  result.name = name;
  std::vector<double> all_ms;
  double mj = 0, seconds = 0, accuracy = 0, foreign_ms = 0;
  for (std::size_t a = 0; a < scenario.applications.size(); ++a) {
    ApplicationResult application;
    application.name = scenario.applications[a].name;
    application.floor = accuracy_floor(scenario.applications[a], setting.workloads[a]);
    application.by_member.assign(setting.workloads[a].members.size(), 0);
    for (const WorkMember& member : setting.workloads[a].members) application.members.push_back(member.name);
    std::vector<double> ms;
    double sum = 0;
    for (const Played& played : seeds) {
      const PlayedApplication& one = played.applications[a];
      application.frames += one.frames;
      application.met += one.met;
      sum += one.accuracy_sum;
      ms.insert(ms.end(), one.latencies_ms.begin(), one.latencies_ms.end());
      for (std::size_t m = 0; m < one.by_member.size(); ++m) application.by_member[m] += one.by_member[m];
      application.served.insert(application.served.end(), one.served.begin(), one.served.end());
    }
    application.accuracy = application.frames > 0 ? sum / static_cast<double>(application.frames) : 0;
    application.accuracy_answered = application.met > 0 ? sum / static_cast<double>(application.met) : 0;
    application.mean_ms = ms.empty() ? 0 : std::accumulate(ms.begin(), ms.end(), 0.0) / static_cast<double>(ms.size());
    application.p95_ms = quantile(ms, 0.95);
    application.p99_ms = quantile(ms, 0.99);
    result.frames += application.frames;
    result.met += application.met;
    accuracy += sum;
    all_ms.insert(all_ms.end(), ms.begin(), ms.end());
    result.applications.push_back(std::move(application));
  }
  result.least_mj = std::numeric_limits<double>::infinity();
  for (const Played& played : seeds) {
    int64_t met = 0;
    for (const PlayedApplication& one : played.applications) met += one.met;
    const double per_answer = energy_per_answer(played.energy_mj, met);
    result.least_mj = std::min(result.least_mj, per_answer);
    result.most_mj = std::max(result.most_mj, per_answer);
    mj += played.energy_mj;
    seconds += played.seconds;
    foreign_ms += played.foreign_ms;
    result.peak_c = std::max(result.peak_c, played.peak_c);
  }
  result.energy_per_answer_mj = energy_per_answer(mj, result.met);
  result.mean_w = mj / seconds * 1e-3;
  result.foreign_share = foreign_ms / seconds * 1e-3;
  result.mean_ms =
      all_ms.empty() ? 0 : std::accumulate(all_ms.begin(), all_ms.end(), 0.0) / static_cast<double>(all_ms.size());
  result.p95_ms = quantile(all_ms, 0.95);
  result.p99_ms = quantile(std::move(all_ms), 0.99);
  result.accuracy = result.frames > 0 ? accuracy / static_cast<double>(result.frames) : 0;
  result.accuracy_answered = result.met > 0 ? accuracy / static_cast<double>(result.met) : 0;
  return result;
}

PolicyResult play_all(const Scenario& scenario, const Setting& setting, const std::string& name, int64_t seeds,
                      int threads) {
  const NamedPolicy policy = parse_policy(name);
  std::vector<Played> played(static_cast<std::size_t>(seeds));
  each(played.size(), threads,
       [&](std::size_t i) { played[i] = play_seed(scenario, setting, policy, scenario.first_seed + i); });
  return sum_up(scenario, setting, name, played);
}

int64_t served(const PolicyResult& result) {
  int64_t sum = 0;
  for (const ApplicationResult& application : result.applications)
    sum += std::count(application.served.begin(), application.served.end(), 1);
  return sum;
}

// The oracle's caution, too, is the best in hindsight: it knows its own frames, but not what others do to them.
PolicyResult best_oracle(const Scenario& scenario, const Setting& setting, int threads) {
  constexpr double kWorthIt = 0.995;  // of the frames that the most successful one serves
  std::vector<PolicyResult> results;
  int64_t most = 0;
  for (const char* name : {"oracle", "oracle:caution=0.03", "oracle:caution=0.1"}) {
    results.push_back(play_all(scenario, setting, name, scenario.seeds, threads));
    most = std::max(most, served(results.back()));
  }
  const PolicyResult* best = nullptr;
  for (const PolicyResult& one : results) {
    if (static_cast<double>(served(one)) < kWorthIt * static_cast<double>(most)) continue;
    if (best == nullptr || one.energy_per_answer_mj < best->energy_per_answer_mj) best = &one;
  }
  PolicyResult result = *best;
  result.best = std::exchange(result.name, "oracle");
  return result;
}

// The policy may have played fewer seeds than the oracle: their frames come first.
void judge(const PolicyResult& oracle, PolicyResult* policy) {
  int64_t by_oracle = 0;
  for (std::size_t a = 0; a < policy->applications.size(); ++a) {
    const std::vector<char>& all = oracle.applications[a].served;
    const auto end = all.begin() + static_cast<std::ptrdiff_t>(policy->applications[a].served.size());
    by_oracle += std::count(all.begin(), end, 1);
  }
  const double share = by_oracle > 0 ? static_cast<double>(served(*policy)) / static_cast<double>(by_oracle) : 1;
  policy->unserved = std::max(0.0, 1 - share);
}

// Every setting on the first seed, the best of these on some, the best of those on all.
PolicyResult best_schedutil(const Scenario& scenario, const Setting& setting, const PolicyResult& oracle, int threads) {
  constexpr std::size_t kSecondRound = 8;
  constexpr int64_t kSecondSeeds = 4;
  std::vector<PolicyResult> results;
  for (const std::string& name : schedutil_sweep(setting.board)) results.emplace_back().name = name;
  const auto round = [&](int64_t seeds) {
    each(results.size(), threads, [&](std::size_t i) {
      results[i] = play_all(scenario, setting, results[i].name, seeds, 1);
      judge(oracle, &results[i]);
    });
    std::stable_sort(results.begin(), results.end(), better);
  };
  round(1);
  results.resize(std::min(results.size(), kSecondRound));
  if (scenario.seeds > 1) round(std::min(scenario.seeds, kSecondSeeds));
  PolicyResult best = play_all(scenario, setting, results.front().name, scenario.seeds, threads);
  best.best = std::exchange(best.name, "schedutil-best");
  return best;
}

}  // namespace

bool better(const PolicyResult& a, const PolicyResult& b) {
  if (a.serves() != b.serves()) return a.serves();
  return a.serves() ? a.energy_per_answer_mj < b.energy_per_answer_mj : a.unserved < b.unserved;
}

ComparedScenario Comparison::run(const Scenario& scenario, const std::vector<std::string>& policies,
                                 int threads) const {
  Setting setting;
  setting.board = read_board((std::filesystem::path(boards_) / (scenario.board + ".json")).string());
  for (const Application& application : scenario.applications)
    setting.workloads.push_back(read_workload(application, profiles_));
  const PolicyResult oracle = best_oracle(scenario, setting, threads);
  ComparedScenario result;
  result.scenario = scenario;
  for (const std::string& name : policies) {
    PolicyResult policy = name == "oracle"           ? oracle
                          : name == "schedutil-best" ? best_schedutil(scenario, setting, oracle, threads)
                                                     : play_all(scenario, setting, name, scenario.seeds, threads);
    judge(oracle, &policy);
    result.policies.push_back(std::move(policy));
  }
  return result;
}

}  // namespace limber::tool
