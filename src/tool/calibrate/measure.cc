// SPDX-License-Identifier: Apache-2.0
// `limber calibrate board --plan` and `--measure`.
#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "base/atomic_file.h"
#include "base/cpu_list.h"
#include "base/error.h"
#include "platform/machine.h"
#include "platform/measure_board.h"
#include "platform/simulated/board.h"
#include "tool/calibrate/board_options.h"
#include "tool/calibrate/linux_machine.h"
#include "tool/progress.h"
#include "tool/run/interrupt.h"

namespace limber::tool {
namespace {

MeasuringPlan plan_of(const BoardOptions& options, const std::vector<int64_t>& khz, std::size_t cores) {
  MeasuringPlan plan = measuring_plan(khz, cores, options.points);
  plan.seconds = options.seconds;
  plan.settle_s = options.settle_s;
  plan.trace_s = options.trace_s;
  return plan;
}

}  // namespace

void print_measuring_plan(const BoardOptions& options) {
  std::vector<int64_t> khz = options.khz;
  std::size_t cores = options.cores;
  std::string name = options.processor;
  if (!options.board.empty()) {
    const Board board = read_board(options.board);
    const Processor& processor = name.empty() ? board.processors.front() : board.processors[board.find(name)];
    name = processor.name;
    cores = processor.cores();
    if (khz.empty()) {
      for (const auto& opp : processor.opps) khz.push_back(opp.khz);
    }
  }
  const bool known = !khz.empty();
  if (!known) {
    for (std::size_t p = 1; p <= options.points; ++p) khz.push_back(static_cast<int64_t>(p));  // stand-ins, numbered
  }
  const MeasuringPlan plan = plan_of(options, khz, cores);
  if (options.json) {
    nlohmann::ordered_json steps = nlohmann::ordered_json::array();
    for (const MeasuringStep& step : plan.steps)
      steps.push_back({{"khz", known ? nlohmann::ordered_json(step.khz) : nlohmann::ordered_json()},
                       {"point", known ? nlohmann::ordered_json() : nlohmann::ordered_json(step.khz)},
                       {"class", step.load_class},
                       {"busy", step.cores}});
    fmt::print("{}\n", nlohmann::ordered_json({{"settle_s", plan.settle_s},
                                               {"seconds", plan.seconds},
                                               {"trace_s", plan.trace_s},
                                               {"total_s", plan.total_s()},
                                               {"steps", steps}})
                           .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
    return;
  }
  fmt::print(
      "Measure the rail of {}{} cores, everything else idle: fix the clock, start the load, wait {:g} s, then note\n"
      "the mean watts and the temperature of the next {:g} s. One row a step:\n\n",
      name.empty() ? "the processor, " : name + ", ", cores, plan.settle_s, plan.seconds);
  int64_t last = 0;
  for (const MeasuringStep& step : plan.steps) {
    if (step.khz != last)
      fmt::print(
          "{}{}", last == 0 ? "" : "\n",
          known ? fmt::format("{:>9} kHz:", step.khz) : fmt::format("frequency {} of {}:", step.khz, khz.size()));
    last = step.khz;
    fmt::print("{}", step.cores == 0 ? " idle" : fmt::format(", {} x {}", step.cores, step.load_class));
  }
  fmt::print(
      "\n\ndense: multiply-adds in registers; streams: reads of more memory than the caches hold. Your own loads will "
      "do\n"
      "as well, two classes at least, the same at every frequency.{}\n",
      known ? "" : " Spread the frequencies from the lowest to the highest.");
  if (plan.trace_s > 0)
    fmt::print(
        "Then, for the heat, at the highest frequency a row a second: {:g} s idle, {:g} s all cores dense, {:g} s "
        "idle.\n",
        plan.trace_s / 4, plan.trace_s / 2, plan.trace_s / 4);
  fmt::print("{} rows, {:.0f} minutes. limber calibrate board --measure does it where the clock can be set.\n",
             plan.steps.size(), plan.total_s() / 60);
}

void measure_rows(const BoardOptions& options) {
  const std::vector<int> cpus = options.cpus.empty() ? allowed_cpus() : parse_cpu_list(options.cpus);
  const InterruptGuard interrupt;
  LinuxMachine host({options.sysfs_root,
                     options.state_file,
                     cpus,
                     options.khz,
                     {options.power_from, options.rail, options.whole_board}});
  const RestoreLog::Report& before = host.taken_over();
  if (before.restored > 0)
    fmt::print(stderr, "limber: warning: {} settings that a killed run had left changed were put back\n",
               before.restored);
  for (const std::string& one : before.left) fmt::print(stderr, "limber: warning: not put back: {}\n", one);
  if (host.meter().shared())
    fmt::print(stderr, "limber: warning: {} feeds others, too: what they take counts as the processor's\n",
               host.meter().name());
  MeasuredMachine machine = host.machine();
  if (!options.processor.empty()) machine.processor = options.processor;
  MeasuringPlan plan = plan_of(options, machine.khz, machine.cores);
  const bool blind = plan.trace_s > 0 && machine.celsius && !host.meter().sees_all();
  if (blind) {
    plan.trace_s = 0;
    fmt::print(stderr,
               "limber: warning: no heating trace: {} does not see all that heats the chip; with a meter that does, "
               "measure again for the trace alone (--whole-board, --power-from)\n",
               host.meter().name());
  }
  AtomicFile output(options.output);  // opened first: nobody measures for what cannot be written
  ProgressLine progress(!options.json);
  const MeasuringResult result =
      measure_board(machine, plan, [&](std::size_t done, std::size_t all, const std::string& what) {
        progress.show(what, static_cast<int64_t>(done), static_cast<int64_t>(all));
      });
  progress.clear();
  if (result.measurements.power.empty())
    fail(ErrorCode::kIo, "no row could be measured: {}", result.left_out.empty() ? "" : result.left_out.front());
  for (const std::string& one : result.left_out) fmt::print(stderr, "limber: warning: left out: {}\n", one);
  output.write(print_measurements(result.measurements));
  output.commit();
  const std::size_t rows = result.measurements.power.size(), trace = result.measurements.heat.size();
  if (options.json) {
    fmt::print("{}\n", nlohmann::ordered_json({{"output", options.output},
                                               {"processor", machine.processor},
                                               {"meter", host.meter().name()},
                                               {"rows", rows},
                                               {"trace_rows", trace},
                                               {"left_out", result.left_out}})
                           .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
    return;
  }
  fmt::print("{}: written, {} rows of {} and {} of a heating trace, watts from {}\n", options.output, rows,
             machine.processor, trace, host.meter().name());
}

}  // namespace limber::tool
