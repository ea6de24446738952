// SPDX-License-Identifier: Apache-2.0
// `limber simulate SCENARIO`: applications on a board in virtual time, policies side by side.
#include "tool/command.h"

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>

#include "base/atomic_file.h"
#include "base/error.h"
#include "formats/shipped_file.h"
#include "tool/run/gnuplot.h"
#include "tool/simulate/generator.h"
#include "tool/simulate/picture.h"
#include "tool/simulate/recorded.h"
#include "tool/simulate/report.h"

namespace limber::tool {
namespace {

struct Options {
  std::string scenario, random, trace, plot;
  std::vector<std::string> policies = {"schedutil", "schedutil-best", "limber", "oracle"}, only;
  int64_t seeds = 0, first_seed = -1;
  int threads = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  bool applications = false, json = false;
};

// "FIRST:COUNT"
std::vector<Scenario> random_scenarios(const std::string& text) {
  unsigned long long first = 0, count = 0;
  char end = 0;
  if (text.find('-') != std::string::npos ||  // which sscanf makes huge
      std::sscanf(text.c_str(), "%llu:%llu%c", &first, &count, &end) != 2 || count < 1 || count > 100'000)
    fail(ErrorCode::kInvalidArgument, "--random is '{}'; legal: FIRST:COUNT, e.g. 1000:200", text);
  std::vector<Scenario> all;
  for (unsigned long long i = 0; i < count; ++i) all.push_back(random_scenario(first + i));
  return all;
}

bool chosen(const Scenario& scenario, const std::vector<std::string>& only) {
  return std::all_of(only.begin(), only.end(), [&](const std::string& wanted) {
    return std::any_of(scenario.swept.begin(), scenario.swept.end(),
                       [&](const auto& swept) { return swept.first + "=" + swept.second == wanted; });
  });
}

std::vector<Scenario> choose_scenarios(const Options& options) {
  if (options.scenario.empty() == options.random.empty())
    fail(ErrorCode::kInvalidArgument, "give a scenario (a name of scenarios/ or a file), or --random FIRST:COUNT");
  std::vector<Scenario> all = options.random.empty()
                                  ? read_scenarios(find_shipped_file("scenarios", options.scenario, ".toml"))
                                  : random_scenarios(options.random);
  std::string legal;
  for (const Scenario& scenario : all) legal += "\n  " + variant_name(scenario);
  std::erase_if(all, [&](const Scenario& scenario) { return !chosen(scenario, options.only); });
  if (all.empty()) fail(ErrorCode::kInvalidArgument, "--only leaves no scenario; there are:{}", legal);
  for (Scenario& scenario : all) {
    if (options.seeds > 0) scenario.seeds = options.random.empty() ? options.seeds : 1;
    if (options.first_seed >= 0) scenario.first_seed = static_cast<uint64_t>(options.first_seed);
  }
  return all;
}

// The first seed of one scenario again, with everything that happened.
void record(const Options& options, const Scenario& scenario, SimulationTrace* trace, AtomicFile* plot) {
  const Board board = read_board(find_shipped_file("boards", scenario.board));
  std::vector<Workload> workloads;
  for (const Application& application : scenario.applications) workloads.push_back(read_workload(application));
  std::vector<PicturedPolicy> pictured;
  for (const std::string& name : options.policies) {
    if (!is_plain_policy(name)) continue;  // chosen in hindsight from many
    const NamedPolicy policy = parse_policy(name);
    if (trace) trace->begin(scenario, board, workloads, name, scenario.first_seed);
    PicturedPolicy picture;
    picture.name = name;
    PlayOptions play_options = options_of(policy, scenario.first_seed);
    play_options.on_frame = [&](const PlayedFrame& frame) {
      if (trace) trace->add(frame);
      picture.frames.push_back(frame);
    };
    play_options.on_moment = [&](const PlayedMoment& moment) {
      if (trace) trace->add(moment);
      picture.moments.push_back(moment);
    };
    play(scenario, board, workloads, knowledge_of(scenario, policy, scenario.first_seed), policy.make, play_options);
    pictured.push_back(std::move(picture));
  }
  if (trace) trace->finish();
  if (plot == nullptr) return;
  plot->write(run_gnuplot(picture_script(scenario, board, pictured, options.plot.ends_with(".svg"))));
  plot->commit();
}

void simulate(const Options& options) {
  for (const std::string& name : options.policies) {
    check_policy(name);
    if (std::ranges::count(options.policies, name) > 1)
      fail(ErrorCode::kInvalidArgument, "--versus: policy {} is named twice", name);
  }
  if (!options.plot.empty() && !options.plot.ends_with(".png") && !options.plot.ends_with(".svg"))
    fail(ErrorCode::kInvalidArgument, "--plot is '{}'; legal: a name that ends in .png or .svg", options.plot);
  const std::vector<Scenario> scenarios = choose_scenarios(options);
  const bool recording = !options.trace.empty() || !options.plot.empty();
  if (recording && scenarios.size() > 1)
    fail(ErrorCode::kInvalidArgument,
         "--trace and --plot show one scenario, and there are {}: choose one with --only KEY=VALUE, e.g. --only {}",
         scenarios.size(),
         scenarios.front().swept.empty()
             ? "..."
             : scenarios.front().swept.front().first + "=" + scenarios.front().swept.front().second);
  // What cannot be written is refused before anything is played.
  std::optional<SimulationTrace> trace;
  std::optional<AtomicFile> plot;
  if (!options.trace.empty()) trace.emplace(options.trace);
  if (!options.plot.empty()) plot.emplace(options.plot);
  if (plot && find_gnuplot().empty())
    fail(ErrorCode::kNotFound, "--plot needs gnuplot: apt-get install gnuplot-nox, or leave it out");
  std::vector<ComparedScenario> all;
  for (const Scenario& scenario : scenarios) {
    all.push_back(compare(scenario, options.policies, options.threads));
    if (options.json) continue;
    if (all.size() == 1 || !options.random.empty()) fmt::print("{}", scenario_heading(all.back()));
    fmt::print("{}\n", scenario_table(all.back(), options.applications));
    std::fflush(stdout);
  }
  if (recording) record(options, scenarios.front(), trace ? &*trace : nullptr, plot ? &*plot : nullptr);
  if (options.json) {
    fmt::print("{}\n", simulation_json(all).dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
  } else {
    fmt::print("{}", closing_summary(all));
  }
}

}  // namespace

void add_simulate_command(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("simulate", "applications on a board in virtual time, policies side by side");
  command->add_option("scenario", options->scenario,
                      "a name of scenarios/ (single, two-models, story), or a .toml file");
  command->add_option("--versus,--policy", options->policies, "policies, see below")->delimiter(',');
  command->add_option("--random", options->random,
                      "instead of a scenario: random ones of these seeds, FIRST:COUNT (below 1000: for tuning)");
  command->add_option("--only", options->only, "of a sweep: only where KEY=VALUE; may be given several times");
  command->add_option("--seeds", options->seeds, "how many; default: the scenario's")->check(CLI::Range(1, 100'000));
  command->add_option("--first-seed", options->first_seed, "default: the scenario's")
      ->check(CLI::Range(int64_t{0}, int64_t{1} << 40));
  command->add_option("--threads", options->threads, "seeds at a time; the results are the same")
      ->check(CLI::Range(1, 1024));
  command->add_flag("--applications", options->applications, "a line for each application, too");
  command->add_option("--trace", options->trace,
                      "write the first seed, JSON lines: each frame, and clocks, power and temperature over time");
  command->add_option("--plot", options->plot, "draw the first seed as .png or .svg (needs gnuplot)");
  command->add_flag("--json", options->json, "print one JSON object");
  command->footer(
      policy_help() +
      "\nExample: limber simulate single --only camera.period_ms=33.3 --versus schedutil,limber --plot s.png\n"
      "         limber simulate --random 1000:20 --versus schedutil-best,limber,oracle");
  command->callback([options] { simulate(*options); });
}

}  // namespace limber::tool
