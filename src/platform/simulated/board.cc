// SPDX-License-Identifier: Apache-2.0
#include "platform/simulated/board.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "base/error.h"
#include "base/mapped_file.h"
#include "formats/json_fields.h"

namespace limber {
namespace {

double number(const Fields& fields, const char* key, double least, double most) {
  const double value = fields.number(key);
  if (!(value >= least && value <= most))
    fail(ErrorCode::kBadFile, "{}: {}; legal: {} to {}", fields.at(key), value, least, most);
  return value;
}

double number(const Fields& fields, const char* key, double least, double most, double otherwise) {
  return fields.has(key) ? number(fields, key, least, most) : otherwise;
}

Provenance provenance(const Json& json, const std::string& where) {
  const Fields fields(json, where, {"confidence", "text"});
  Provenance result{fields.text("confidence"), fields.text("text")};
  const std::string& confidence = result.confidence;
  if (confidence != "high" && confidence != "medium" && confidence != "low")
    fail(ErrorCode::kBadFile, "{}: '{}'; legal: high, medium, low", fields.at("confidence"), confidence);
  return result;
}

std::vector<OperatingPerformancePoint> read_opps(const Fields& fields) {
  std::vector<OperatingPerformancePoint> opps;
  for (const Json& json : fields.array("opps")) {
    const std::string where = fmt::format("{} {}", fields.at("opps"), opps.size() + 1);
    const Fields one(json, where, {"khz", "microvolt"});
    opps.push_back({static_cast<int64_t>(number(one, "khz", 1, 1e8)), 1e-6 * number(one, "microvolt", 1e5, 5e6)});
    if (opps.size() > 1 && opps.back().khz <= opps[opps.size() - 2].khz)
      fail(ErrorCode::kBadFile, "{}: {} kHz after {}; legal: ascending", where, opps.back().khz,
           opps[opps.size() - 2].khz);
  }
  if (opps.empty()) fail(ErrorCode::kBadFile, "{}: none; legal: one or more", fields.at("opps"));
  return opps;
}

Processor read_processor(const Json& json, const std::string& where, bool board_calibrated) {
  const Fields fields(json, where,
                      {"name", "kind", "cpus", "capacity", "opps", "power", "stall_us", "actuation_us", "warm_up_us",
                       "governor", "opp_source", "speed"});
  Processor result;
  result.name = fields.text("name");
  const std::string kind = fields.text("kind");
  if (kind != "cpu" && kind != "gpu") fail(ErrorCode::kBadFile, "{}: '{}'; legal: cpu, gpu", fields.at("kind"), kind);
  result.kind = kind == "cpu" ? ProcessorKind::kCpu : ProcessorKind::kGpu;
  if (result.kind == ProcessorKind::kCpu) {
    for (const int64_t cpu : fields.integers("cpus")) {
      if (cpu < 0 || cpu > 1023) fail(ErrorCode::kBadFile, "{}: {}; legal: 0 to 1023", fields.at("cpus"), cpu);
      result.cpus.push_back(static_cast<int>(cpu));
    }
    if (result.cpus.empty()) fail(ErrorCode::kBadFile, "{}: none; legal: one or more", fields.at("cpus"));
  }
  result.capacity = number(fields, "capacity", 1, 1e6, 1024);
  result.opps = read_opps(fields);
  const Fields power(
      fields.value("power"), fields.at("power"),
      {"clock_w_per_ghz_v2", "core_w_per_ghz_v2", "leak_w_per_v4", "leak_per_c", "idle_w", "calibrated", "source"});
  result.power.clock_w_per_ghz_v2 = number(power, "clock_w_per_ghz_v2", 0, 1000, 0);
  result.power.core_w_per_ghz_v2 = number(power, "core_w_per_ghz_v2", 0, 1000);
  result.power.leak_w_per_v4 = number(power, "leak_w_per_v4", 0, 1000, 0);
  result.power.leak_per_c = number(power, "leak_per_c", 0, 1, 0);
  result.power.idle_w = number(power, "idle_w", 0, 1000, 0);
  result.calibrated = power.boolean("calibrated", board_calibrated && result.kind == ProcessorKind::kCpu);
  if (board_calibrated && result.kind == ProcessorKind::kCpu && !result.calibrated)
    fail(ErrorCode::kBadFile,
         "{}: false, but the board says it is calibrated; legal: a calibrated board has no CPU "
         "cluster that is not",
         power.at("calibrated"));
  result.power_source = provenance(power.value("source"), power.at("source"));
  result.stall_us = number(fields, "stall_us", 0, 1e6, 0);
  result.actuation_us = number(fields, "actuation_us", 0, 1e6, 0);
  result.warm_up_us = number(fields, "warm_up_us", 0, 1e6, 0);
  if (fields.has("speed")) {
    const Fields speed(fields.value("speed"), fields.at("speed"), {"cores", "launch_us", "source"});
    result.speed = number(speed, "cores", 1e-3, 1e6);
    result.launch_us = number(speed, "launch_us", 0, 1e6);
    result.speed_source = provenance(speed.value("source"), speed.at("source"));
  }
  result.default_governor = fields.text("governor");
  result.opp_source = provenance(fields.value("opp_source"), fields.at("opp_source"));
  return result;
}

PowerSensor read_sensor(const Json& json, const std::string& where, const Board& board) {
  const Fields fields(json, where, {"name", "processors", "whole_board", "period_ms", "resolution_mw"});
  PowerSensor result;
  result.name = fields.text("name");
  if (fields.has("processors")) result.processors = fields.texts("processors");
  for (const std::string& processor : result.processors) board.find(processor);
  result.whole_board = fields.boolean("whole_board", false);
  result.period_ms = number(fields, "period_ms", 0.01, 1e6);
  result.resolution_mw = number(fields, "resolution_mw", 0, 1e6, 0);
  return result;
}

void check_names(const Board& board, const std::string& where) {
  std::set<std::string> names;
  std::set<int> cpus;
  for (const Processor& processor : board.processors) {
    if (processor.name.empty() || !names.insert(processor.name).second)
      fail(ErrorCode::kBadFile, "{}: processor '{}' is there twice, or has no name", where, processor.name);
    for (const int cpu : processor.cpus) {
      if (!cpus.insert(cpu).second)
        fail(ErrorCode::kBadFile, "{}: processor '{}': CPU {} belongs to another one, too", where, processor.name, cpu);
    }
  }
  const bool any = std::any_of(board.processors.begin(), board.processors.end(),
                               [](const Processor& p) { return p.kind == ProcessorKind::kCpu; });
  if (!any) fail(ErrorCode::kBadFile, "{}: no processor of kind cpu; legal: one or more", where);
}

}  // namespace

std::size_t Processor::at_least(double khz) const {
  const auto found = std::find_if(opps.begin(), opps.end(),
                                  [&](const auto& opp) { return static_cast<double>(opp.khz) >= khz - 1e-6; });
  return found == opps.end() ? opps.size() - 1 : static_cast<std::size_t>(found - opps.begin());
}

std::size_t Board::find(const std::string& processor) const {
  std::string legal;
  for (std::size_t i = 0; i < processors.size(); ++i) {
    if (processors[i].name == processor) return i;
    legal += (i == 0 ? "" : ", ") + processors[i].name;
  }
  fail(ErrorCode::kInvalidArgument, "{}: no processor '{}'; legal: {}", name, processor, legal);
}

Board parse_board(const std::string& text, const std::string& where) {
  const Json json = parse_json(text, where);
  const Fields fields(json, where,
                      {"format", "version", "name", "title", "calibrated", "processors", "rest_w", "memory_mb_per_s",
                       "thermal", "trips", "trip_period_ms", "sensors", "sources"});
  if (fields.text("format") != "limber-board" || fields.integer("version") != 1)
    fail(ErrorCode::kBadFile, "{}: format '{}' {}; legal: limber-board 1", where, fields.text("format"),
         fields.integer("version"));
  Board board;
  board.name = fields.text("name");
  board.title = fields.text("title");
  board.calibrated = fields.boolean("calibrated", false);
  for (const Json& one : fields.array("processors"))
    board.processors.push_back(read_processor(
        one, fmt::format("{} {}", fields.at("processors"), board.processors.size() + 1), board.calibrated));
  check_names(board, where);
  board.rest_w = number(fields, "rest_w", 0, 1e4);
  board.memory_mb_per_s = number(fields, "memory_mb_per_s", 1, 1e8);
  const Fields thermal(fields.value("thermal"), fields.at("thermal"), {"ambient_c", "k_per_w", "tau_s", "source"});
  board.thermal.ambient_c = number(thermal, "ambient_c", -60, 150);
  board.thermal.k_per_w = number(thermal, "k_per_w", 0, 1000);
  board.thermal.tau_s = number(thermal, "tau_s", 1e-3, 1e6);
  board.thermal.source = provenance(thermal.value("source"), thermal.at("source"));
  try {
    for (const Json& one : fields.array("trips")) {
      const Fields trip(one, fmt::format("{} {}", fields.at("trips"), board.trips.size() + 1),
                        {"processor", "above_c", "hysteresis_c", "most_steps"});
      board.trips.push_back({trip.text("processor"), number(trip, "above_c", -60, 300),
                             number(trip, "hysteresis_c", 0, 100),
                             static_cast<int>(number(trip, "most_steps", 1, 1000))});
      board.find(board.trips.back().processor);
    }
    for (const Json& one : fields.array("sensors"))
      board.sensors.push_back(
          read_sensor(one, fmt::format("{} {}", fields.at("sensors"), board.sensors.size() + 1), board));
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kInvalidArgument) throw;
    fail(ErrorCode::kBadFile, "{}: {}", where, error.what());
  }
  board.trip_period_ms = number(fields, "trip_period_ms", 1, 1e5, 100);
  for (const auto& [group, source] : fields.value("sources").items())
    board.sources.emplace_back(group, provenance(source, fmt::format("{}: '{}'", fields.at("sources"), group)));
  return board;
}

Board read_board(const std::string& path) {
  const MappedFile file(path);
  const auto bytes = file.bytes();
  return parse_board(std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()), path);
}

double power_w(const PowerModel& model, const OperatingPerformancePoint& point, double activity, double celsius) {
  const double ghz = static_cast<double>(point.khz) * 1e-6, v2 = point.volt * point.volt;
  return (model.clock_w_per_ghz_v2 + model.core_w_per_ghz_v2 * activity) * ghz * v2 +
         model.leak_w_per_v4 * v2 * v2 * std::exp(model.leak_per_c * (celsius - 50)) + model.idle_w;
}

}  // namespace limber
