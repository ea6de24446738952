// SPDX-License-Identifier: Apache-2.0
// `limber calibrate board`: a board file from measurements, and the measurements.
#include <fmt/core.h>

#include <filesystem>
#include <set>

#include "base/atomic_file.h"
#include "base/cpu_list.h"
#include "base/error.h"
#include "platform/clock.h"
#include "platform/simulated/new_board.h"
#include "tool/calibrate/board_options.h"
#include "tool/calibrate/board_report.h"
#include "tool/calibrate/subcommands.h"

namespace limber::tool {
namespace {

// The one that was asked for, else the only one that has rows; "" where none has.
std::string processor_of(const BoardOptions& options, const Measurements& measurements) {
  if (!options.processor.empty()) return options.processor;
  std::set<std::string> names;
  for (const PowerRow& row : measurements.power) names.insert(row.processor);
  if (names.size() > 1) {
    std::string legal;
    for (const std::string& name : names) legal += (legal.empty() ? "" : ", ") + name;
    throw CLI::ValidationError("--processor", "required, since the file has rows of " + legal);
  }
  return names.empty() ? "" : *names.begin();
}

Board board_of(const BoardOptions& options, const std::string& processor, const Measurements& measurements) {
  Board board =
      options.new_name.empty() ? read_board(options.board) : new_board(options.new_name, options.memory_mb_per_s);
  if (!options.cpus.empty())
    add_processor(processor, parse_cpu_list(options.cpus), options.capacity, measurements, &board);
  return board;
}

void fit(const BoardOptions& options) {
  const Measurements measurements = read_measurements(options.measurements);
  const std::string name = processor_of(options, measurements);
  Board board = board_of(options, name, measurements);
  const std::string date = utc_now(), file = std::filesystem::path(options.measurements).filename();
  nlohmann::ordered_json json = {{"board", board.name},     {"measurements", options.measurements},
                                 {"processor", nullptr},    {"calibrated", nullptr},
                                 {"power", nullptr},        {"thermal", nullptr},
                                 {"output", options.output}};
  std::string text;
  bool poor = false;
  if (!name.empty()) {
    const std::size_t index = board.find(name);
    if (options.whole_board && board.processors.size() > 1)
      fail(ErrorCode::kInvalidArgument,
           "--whole-board: {} has {} processors, whose idle power a meter of the whole board cannot tell apart; legal: "
           "a "
           "meter of the processor's rail, or a board of one processor",
           board.name, board.processors.size());
    FitOptions settings;
    settings.hold_out = options.hold_out;
    settings.whole_board = options.whole_board;
    const PowerFit power = fit_power(board.processors[index], measurements, settings);
    store_power(power, date, file, settings, index, &board);
    poor = !power.good();
    json["processor"] = name;
    json["calibrated"] = !poor;
    json["power"] = report_json(power, options.whole_board);
    text += fmt::format("{}, processor {} of {}\n\n", options.measurements, name, board.name) +
            report(power, options.whole_board);
  }
  if (!measurements.heat.empty()) {
    const ThermalFit heat = fit_thermal(measurements);
    store_thermal(heat, date, file, &board);
    json["thermal"] = report_json(heat);
    text += (text.empty() ? "" : "\n") + report(heat);
  }
  const std::string written = print_board(board);
  parse_board(written, options.output);  // nothing is written that could not be read
  AtomicFile output(options.output);
  output.write(written);
  output.commit();
  if (poor)
    fmt::print(stderr,
               "limber: warning: {} is more than 10 % off on average and not marked as calibrated: look for rows "
               "that are wrong, or measure each for longer\n",
               name);
  if (options.json) {
    fmt::print("{}\n", json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
    return;
  }
  fmt::print("{}\n{}: written{}\n", text, options.output,
             name.empty() || poor ? "" : fmt::format("; the power of {} is calibrated", name));
}

void check(const BoardOptions& options) {
  const auto refuse = [](const char* option, const char* why) { throw CLI::ValidationError(option, why); };
  if (options.plan && options.measure) refuse("--plan", "excludes --measure");
  if (options.plan) return;
  if (options.output.empty()) throw CLI::RequiredError("--output");
  if (options.measure) {
    if (!options.power_from.empty() && (!options.rail.empty() || options.whole_board))
      refuse("--power-from", "excludes --rail and --whole-board, which choose among the machine's own meters");
    if (!options.rail.empty() && options.whole_board) refuse("--rail", "excludes --whole-board");
    if (!options.measurements.empty()) refuse("--measure", "excludes --measurements: measure first, then fit");
    return;
  }
  if (!options.power_from.empty() || !options.rail.empty() || !options.sysfs_root.empty() ||
      !options.state_file.empty() || !options.khz.empty())
    refuse("--power-from, --rail, --sysfs-root, --state-file, --khz", "need --measure");
  if (options.measurements.empty()) throw CLI::RequiredError("--measurements (or --plan, or --measure)");
  if (options.board.empty() == options.new_name.empty()) refuse("board", "required: a board file, or else --new NAME");
  if (!options.new_name.empty() && (options.cpus.empty() || options.memory_mb_per_s <= 0))
    refuse("--new", "needs --cpus LIST and --memory-mb-per-s N, which no power measurement tells");
}

}  // namespace

void add_calibrate_board(CLI::App& calibrate) {
  auto options = std::make_shared<BoardOptions>();
  CLI::App* board = calibrate.add_subcommand("board", "a board's power and heat model, fitted to measurements");
  board->footer(
      "Fits clock, core and leakage power of one processor (and the thermal model, where the file has a heating "
      "trace)\n"
      "and writes a new board file; docs/calibrating-boards.md tells the columns and how to measure.\n"
      "Example: limber calibrate board boards/odroid-xu3.json --measurements rows.csv --processor A15 \\\n"
      "             --hold-out 800000,1400000 -o my-xu3.json\n"
      "Example: limber calibrate board --plan --cores 4\n"
      "Example: limber calibrate board --measure --processor A76 --cpus 0-3 --power-from /run/meter/watts -o rows.csv");
  board->add_option("board", options->board, "the board file to start from");
  board->add_option("--new", options->new_name, "start a new board of this name instead");
  board->add_option("--measurements", options->measurements, "rows, as .csv or .json");
  board->add_option("--processor", options->processor, "whose rows; default: the only one that has some");
  board->add_option("--cpus", options->cpus,
                    "logical CPUs, e.g. 0-3: of a processor that the board does not have yet, "
                    "or to load (--measure)");
  board->add_option("--capacity", options->capacity, "of one core of a new processor; the fastest one's is 1024")
      ->check(CLI::Range(1.0, 1e6));
  board->add_option("--memory-mb-per-s", options->memory_mb_per_s, "of a new board, what all cores together get")
      ->check(CLI::Range(1.0, 1e8));
  board->add_option("--hold-out", options->hold_out, "kHz that the fit may not see, only be judged by")->delimiter(',');
  board->add_flag("--whole-board", options->whole_board,
                  "the meter sees the whole board: what is constant is the rest's (boards of one processor); with "
                  "--measure: take the machine's meter of the whole board");
  board->add_option("--output,-o", options->output, "the board file to write; with --measure the rows");
  board->add_flag("--plan", options->plan, "print what to measure");
  board->add_flag("--measure", options->measure, "measure this machine and write the rows");
  board->add_option("--cores", options->cores, "cores of the processor (--plan)")->check(CLI::Range(1, 1024));
  board->add_option("--points", options->points, "frequencies to measure, 4 at least")->check(CLI::Range(4, 1000));
  board->add_option("--khz", options->khz, "the frequencies that can be set; default: those the system lists")
      ->delimiter(',');
  board->add_option("--seconds", options->seconds, "of each row")->check(CLI::Range(0.01, 3600.0));
  board->add_option("--settle", options->settle_s, "seconds before each row")->check(CLI::Range(0.0, 3600.0));
  board->add_option("--trace", options->trace_s, "seconds of the heating and cooling trace; 0: none")
      ->check(CLI::Range(0.0, 1e5));
  board->add_option("--power-from", options->power_from,
                    "a meter of your own: a file that holds watts, or a command that prints them line by line");
  board->add_option("--rail", options->rail,
                    "of the machine's own meters, by name; default: the one whose name says that it feeds the "
                    "processor");
  board->add_option("--sysfs-root", options->sysfs_root, "read and set /sys below this folder");
  board->add_option("--state-file", options->state_file,
                    "where limits are noted before they are set, for the next run if this one is killed; default: in "
                    "/run");
  board->add_flag("--json", options->json, "print one JSON object");
  board->callback([options] {
    check(*options);
    if (options->plan) {
      print_measuring_plan(*options);
    } else if (options->measure) {
      measure_rows(*options);
    } else {
      fit(*options);
    }
  });
}

}  // namespace limber::tool
