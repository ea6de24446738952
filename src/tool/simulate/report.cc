// SPDX-License-Identifier: Apache-2.0
#include "tool/simulate/report.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

namespace limber::tool {
namespace {

using nlohmann::json;

std::string percent(double share) {
  return fmt::format("{:.2f}", 100 * share);
}

std::string milli(double mj) {
  return std::isfinite(mj) ? fmt::format("{:.2f}", mj) : "none";
}

std::size_t name_width(const std::vector<PolicyResult>& policies) {
  std::size_t width = 6;
  for (const PolicyResult& policy : policies) width = std::max(width, policy.name.size());
  return width;
}

std::string mix(const ApplicationResult& application) {
  std::string text;
  for (std::size_t m = application.members.size(); m-- > 0;) {
    if (application.by_member[m] == 0) continue;
    const double share = static_cast<double>(application.by_member[m]) / static_cast<double>(application.met);
    text += fmt::format("{}{} {:.2f}", text.empty() ? "" : ", ", application.members[m], share);
  }
  return text;
}

const PolicyResult* find(const ComparedScenario& compared, const std::string& name) {
  for (const PolicyResult& policy : compared.policies) {
    if (policy.name == name) return &policy;
  }
  return nullptr;
}

constexpr double kTie = 1e-3;

bool first_of_all(const ComparedScenario& compared, const PolicyResult& policy) {
  if (!policy.serves()) return false;
  return std::none_of(compared.policies.begin(), compared.policies.end(), [&](const PolicyResult& other) {
    return other.name != "oracle" && other.serves() &&
           other.energy_per_answer_mj < (1 - kTie) * policy.energy_per_answer_mj;
  });
}

// Of an even number the mean of both in the middle: neither flatters.
double middle(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

struct Range {
  std::vector<double> values;
  std::string text() const {
    if (values.empty()) return "-";
    const auto [low, high] = std::minmax_element(values.begin(), values.end());
    return fmt::format("{:+.1f} ({:+.1f} .. {:+.1f})", middle(values), *low, *high);
  }
};

json application_json(const ApplicationResult& application) {
  json members = json::object();
  for (std::size_t m = 0; m < application.members.size(); ++m) {
    if (application.by_member[m] > 0) members[application.members[m]] = application.by_member[m];
  }
  return {{"name", application.name},
          {"frames", application.frames},
          {"met", application.met},
          {"accuracy", application.accuracy},
          {"accuracy_answered", application.accuracy_answered},
          {"accuracy_floor", application.floor},
          {"mean_ms", application.mean_ms},
          {"p95_ms", application.p95_ms},
          {"p99_ms", application.p99_ms},
          {"answers_by_member", members}};
}

json policy_json(const PolicyResult& policy) {
  json applications = json::array();
  for (const ApplicationResult& application : policy.applications)
    applications.push_back(application_json(application));
  const auto finite = [](double value) { return std::isfinite(value) ? json(value) : json(); };
  return {{"name", policy.name},
          {"setting", policy.best.empty() ? json() : json(policy.best)},
          {"energy_per_answer_mj", finite(policy.energy_per_answer_mj)},
          {"energy_per_answer_range_mj", {finite(policy.least_mj), finite(policy.most_mj)}},
          {"energy_is", "modelled"},
          {"mean_ms", policy.mean_ms},
          {"p95_ms", policy.p95_ms},
          {"p99_ms", policy.p99_ms},
          {"miss_rate", policy.miss_rate()},
          {"unserved", policy.unserved},
          {"accuracy", policy.accuracy},
          {"accuracy_answered", policy.accuracy_answered},
          {"mean_w", policy.mean_w},
          {"peak_c", policy.peak_c},
          {"strangers_cores", policy.foreign_share},
          {"applications", applications}};
}

}  // namespace

std::string variant_name(const Scenario& scenario) {
  std::string text;
  for (const auto& [key, value] : scenario.swept) text += fmt::format("{}{}={}", text.empty() ? "" : ", ", key, value);
  return text;
}

std::string scenario_heading(const ComparedScenario& compared) {
  const Scenario& s = compared.scenario;
  return fmt::format("{} on {}: {} seed{} x {:g} s, power modelled{}\n", s.name, s.board, s.seeds,
                     s.seeds == 1 ? "" : "s", s.duration_s - s.warmup_s,
                     compared.calibrated ? "" : "; this board is not calibrated: compare policies, do not quote watts");
}

std::string scenario_table(const ComparedScenario& compared, bool applications) {
  const std::size_t width = name_width(compared.policies);
  std::string text = variant_name(compared.scenario);
  if (!text.empty()) text += "\n";
  text += fmt::format("{:{}}  {:>9} {:>19}  {:>8} {:>8} {:>8}  {:>7} {:>8}  {:>8} {:>8}  {:>5}\n", "policy", width,
                      "mJ/answer", "(single seeds)", "mean ms", "p95", "p99", "missed%", "unserved", "accuracy",
                      "answered", "C");
  for (const PolicyResult& p : compared.policies) {
    text += fmt::format("{:{}}  {:>9} {:>19}  {:>8.2f} {:>8.2f} {:>8.2f}  {:>7} {:>8}  {:>8} {:>8}  {:>5.1f}", p.name,
                        width, milli(p.energy_per_answer_mj),
                        fmt::format("({} .. {})", milli(p.least_mj), milli(p.most_mj)), p.mean_ms, p.p95_ms, p.p99_ms,
                        percent(p.miss_rate()), percent(p.unserved), percent(p.accuracy), percent(p.accuracy_answered),
                        p.peak_c);
    if (first_of_all(compared, p) && p.name != "oracle") text += "  <- least energy of those that serve";
    if (!p.best.empty()) text += fmt::format("  [{}]", p.best);
    text += "\n";
    for (const ApplicationResult& a : p.applications) {
      if (!applications) break;
      text += fmt::format("    {}: {} of {} in time, accuracy {} % of these, floor {} %, p95 {:.2f} ms; {}\n", a.name,
                          a.met, a.frames, percent(a.accuracy_answered), percent(a.floor), a.p95_ms, mix(a));
    }
  }
  return text;
}

std::string closing_summary(const std::vector<ComparedScenario>& all) {
  if (all.empty() || all.front().policies.empty()) return "";
  const std::vector<PolicyResult>& policies = all.front().policies;
  const std::size_t width = name_width(policies);
  const std::string& base = policies.front().name;
  std::string text =
      fmt::format("over {} scenario{}, against {}: median (range)\n", all.size(), all.size() == 1 ? "" : "s", base);
  text += fmt::format("{:{}}  {:>28}  {:>28}  {:>28}  {:>7} {:>6}  {:>10}\n", "policy", width, "energy %",
                      "mean latency %", "p95 latency %", "serves", "first", "by oracle");
  for (const PolicyResult& p : policies) {
    Range energy, mean, p95;
    std::vector<double> by_oracle;
    int serves = 0, first = 0;
    for (const ComparedScenario& one : all) {
      const PolicyResult* mine = find(one, p.name);
      const PolicyResult* other = find(one, base);
      const PolicyResult* oracle = find(one, "oracle");
      if (mine == nullptr || other == nullptr) continue;
      serves += mine->serves() ? 1 : 0;
      first += first_of_all(one, *mine) ? 1 : 0;
      const auto add = [](Range* range, double x, double y) {
        if (std::isfinite(x) && std::isfinite(y) && y > 0) range->values.push_back(100 * (x / y - 1));
      };
      add(&energy, mine->energy_per_answer_mj, other->energy_per_answer_mj);
      add(&mean, mine->mean_ms, other->mean_ms);
      add(&p95, mine->p95_ms, other->p95_ms);
      if (oracle != nullptr && mine->serves() && oracle->energy_per_answer_mj > 0)
        by_oracle.push_back(mine->energy_per_answer_mj / oracle->energy_per_answer_mj);
    }
    double sum = 0;
    for (const double ratio : by_oracle) sum += ratio;
    text += fmt::format("{:{}}  {:>28}  {:>28}  {:>28}  {:>7} {:>6}  {:>10}\n", p.name, width, energy.text(),
                        mean.text(), p95.text(), serves, p.name == "oracle" ? "" : fmt::format("{}", first),
                        by_oracle.empty() ? "-" : fmt::format("{:.3f}", sum / static_cast<double>(by_oracle.size())));
  }
  text +=
      "serves: at most 1 % fewer frames in time and not below the floor than the oracle, and strangers get at least\n"
      "90 % of what they get beside it. first: least energy (to a thousandth) of those that serve, the oracle aside.\n"
      "by oracle: energy by the oracle's, the mean over where it serves.\n";
  return text;
}

json simulation_json(const std::vector<ComparedScenario>& all) {
  json variants = json::array();
  for (const ComparedScenario& one : all) {
    json swept = json::object(), policies = json::array();
    for (const auto& [key, value] : one.scenario.swept) swept[key] = value;
    for (const PolicyResult& policy : one.policies) policies.push_back(policy_json(policy));
    variants.push_back({{"scenario", one.scenario.name},
                        {"board", one.scenario.board},
                        {"calibrated", one.calibrated},
                        {"seeds", one.scenario.seeds},
                        {"first_seed", one.scenario.first_seed},
                        {"swept", swept},
                        {"policies", policies}});
  }
  if (variants.size() == 1) return variants.front();
  return {{"variants", variants}};
}

}  // namespace limber::tool
