// SPDX-License-Identifier: Apache-2.0
#include "tool/simulate/compare.h"

#include <fmt/core.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <limits>
#include <map>
#include <mutex>
#include <numeric>
#include <thread>

#include "base/error.h"
#include "base/statistics.h"
#include "formats/shipped_file.h"

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

constexpr char kBest[] = "schedutil-best", kLike[] = "limber:like=", kWithin[] = "limber:within=";

struct Setting {
  Board board;
  std::vector<Workload> workloads;
};

Played play_seed(const Scenario& scenario, const Setting& setting, const NamedPolicy& policy, uint64_t seed,
                 const std::vector<double>& aims) {
  PlayOptions options = options_of(policy, seed);
  options.aims = aims;
  const Knowledge knowledge = knowledge_of(scenario, policy, seed);
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
    foreign_ms += played.foreign_work_ms;
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
                      int threads, const std::vector<double>& aims = {}) {
  const NamedPolicy policy = parse_policy(name);
  std::vector<Played> played(static_cast<std::size_t>(seeds));
  each(played.size(), threads,
       [&](std::size_t i) { played[i] = play_seed(scenario, setting, policy, scenario.first_seed + i, aims); });
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
  policy->strangers_kept = oracle.foreign_share > 0 ? policy->foreign_share / oracle.foreign_share : 1;
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
  best.best = best.name;
  return best;
}

// Plays policies by name, those that others are compared with once.
class Players {
 public:
  Players(const Scenario& scenario, const Setting& setting, int threads)
      : scenario_(scenario), setting_(setting), threads_(threads), oracle_(best_oracle(scenario, setting, threads)) {}

  const PolicyResult& result(const std::string& name) {
    const auto found = results_.find(name);
    if (found != results_.end()) return found->second;
    PolicyResult played = play(name);
    played.name = name;
    judge(oracle_, &played);
    return results_[name] = std::move(played);
  }

 private:
  PolicyResult play(const std::string& name) {
    if (name == "oracle") return oracle_;
    if (name == kBest) return best_schedutil(scenario_, setting_, oracle_, threads_);
    if (name.starts_with(kLike)) return like(result(name.substr(std::string_view(kLike).size())));
    if (name.starts_with(kWithin)) return within(result(name.substr(std::string_view(kWithin).size())));
    return play_all(scenario_, setting_, name, scenario_.seeds, threads_);
  }

  PolicyResult limber(const std::vector<double>& aims) const {
    return play_all(scenario_, setting_, "limber", scenario_.seeds, threads_, aims);
  }

  PolicyResult like(const PolicyResult& other) const {
    std::vector<double> aims;
    for (std::size_t a = 0; a < scenario_.applications.size(); ++a)
      aims.push_back(std::min(1.0, other.applications[a].p95_ms / scenario_.applications[a].deadline()));
    return limber(aims);
  }

  PolicyResult within(const PolicyResult& other) const {
    PolicyResult best;
    bool any = false;
    for (double aim = 1; aim > 0.15; aim -= 0.05) {
      PolicyResult one = limber(std::vector<double>(scenario_.applications.size(), aim));
      const bool fits = one.energy_per_answer_mj <= other.energy_per_answer_mj &&
                        one.miss_rate() <= other.miss_rate() + 1e-3 &&
                        one.accuracy_answered >= other.accuracy_answered - 1e-4;
      if (aim < 1 && !(fits && (!any || one.mean_ms < best.mean_ms))) continue;
      any = any || fits;
      one.best = fmt::format("aim {:.2f}{}", aim, fits ? "" : ", but more energy or misses, or less accurate");
      best = std::move(one);
    }
    return best;
  }

  const Scenario& scenario_;
  const Setting& setting_;
  int threads_;
  PolicyResult oracle_;
  std::map<std::string, PolicyResult> results_;
};

}  // namespace

bool better(const PolicyResult& a, const PolicyResult& b) {
  if (a.serves() != b.serves()) return a.serves();
  return a.serves() ? a.energy_per_answer_mj < b.energy_per_answer_mj : a.unserved < b.unserved;
}

bool is_plain_policy(const std::string& name) {
  return name != kBest && !name.starts_with(kLike) && !name.starts_with(kWithin);
}

void check_policy(const std::string& name) {
  if (name == kBest) return;
  for (const std::string_view chosen : {kLike, kWithin}) {
    if (name.starts_with(chosen)) return check_policy(name.substr(chosen.size()));
  }
  parse_policy(name);
}

ComparedScenario compare(const Scenario& scenario, const std::vector<std::string>& policies, int threads) {
  Setting setting;
  setting.board = read_board(find_shipped_file("boards", scenario.board));
  for (const Application& application : scenario.applications) setting.workloads.push_back(read_workload(application));
  Players players(scenario, setting, threads);
  ComparedScenario result;
  result.scenario = scenario;
  result.calibrated = setting.board.calibrated;
  for (const std::string& name : policies) result.policies.push_back(players.result(name));
  return result;
}

}  // namespace limber::tool
