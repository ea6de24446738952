// SPDX-License-Identifier: Apache-2.0
// A board as its file's text, laid out as people write them: one operating point after the other, not one a line each.
#include <fmt/core.h>

#include <cmath>

#include "formats/json_fields.h"
#include "platform/simulated/board.h"

namespace limber {
namespace {

Json source_json(const Provenance& source) {
  return {{"confidence", source.confidence}, {"text", source.text}};
}

// 377, not 377.0.
Json number(double value) {
  if (value == std::floor(value) && std::abs(value) < 1e15) return static_cast<int64_t>(value);
  return value;
}

// "key": value, on a line of its own.
std::string line(const char* key, const Json& value, const char* indent, bool last = false) {
  return fmt::format("{}\"{}\": {}{}\n", indent, key, value.dump(), last ? "" : ",");
}

std::string list(const char* key, const Json& values, const char* indent) {
  std::string text = fmt::format("{}\"{}\": [", indent, key);
  for (std::size_t i = 0; i < values.size(); ++i)
    text += fmt::format("{}\n{}  {}", i == 0 ? "" : ",", indent, values[i].dump());
  return text + "],\n";
}

Json power_json(const Processor& processor, bool board_calibrated) {
  const PowerModel& power = processor.power;
  Json json = {{"clock_w_per_ghz_v2", number(power.clock_w_per_ghz_v2)},
               {"core_w_per_ghz_v2", number(power.core_w_per_ghz_v2)},
               {"leak_w_per_v4", number(power.leak_w_per_v4)},
               {"leak_per_c", number(power.leak_per_c)},
               {"idle_w", number(power.idle_w)}};
  if (processor.calibrated != (board_calibrated && processor.kind == ProcessorKind::kCpu))
    json["calibrated"] = processor.calibrated;
  json["source"] = source_json(processor.power_source);
  return json;
}

std::string processor_text(const Processor& processor, bool board_calibrated) {
  constexpr const char* kIndent = "   ";
  std::string text = fmt::format("  {{\"name\": {},\n", Json(processor.name).dump());
  text += line("kind", processor.kind == ProcessorKind::kCpu ? "cpu" : "gpu", kIndent);
  if (processor.kind == ProcessorKind::kCpu) text += line("cpus", processor.cpus, kIndent);
  text += line("capacity", number(processor.capacity), kIndent);
  text += line("governor", processor.default_governor, kIndent);
  text += line("stall_us", number(processor.stall_us), kIndent);
  text += line("actuation_us", number(processor.actuation_us), kIndent);
  text += line("warm_up_us", number(processor.warm_up_us), kIndent);
  Json opps = Json::array();
  for (const auto& opp : processor.opps)
    opps.push_back({{"khz", opp.khz}, {"microvolt", std::llround(1e6 * opp.volt)}});
  text += list("opps", opps, kIndent);
  text += line("power", power_json(processor, board_calibrated), kIndent);
  return text + line("opp_source", source_json(processor.opp_source), kIndent, true);
}

}  // namespace

std::string print_board(const Board& board) {
  constexpr const char* kIndent = " ";
  std::string text = "{\n";
  text += line("format", "limber-board", kIndent) + line("version", 1, kIndent) + line("name", board.name, kIndent) +
          line("title", board.title, kIndent) + line("calibrated", board.calibrated, kIndent);
  text += " \"processors\": [\n";
  for (const Processor& processor : board.processors) {
    text += processor_text(processor, board.calibrated);
    text.back() = '}';
    text += &processor == &board.processors.back() ? "],\n" : ",\n";
  }
  text +=
      line("rest_w", number(board.rest_w), kIndent) + line("memory_mb_per_s", number(board.memory_mb_per_s), kIndent);
  text += line("thermal",
               {{"ambient_c", number(board.thermal.ambient_c)},
                {"k_per_w", number(board.thermal.k_per_w)},
                {"tau_s", number(board.thermal.tau_s)},
                {"source", source_json(board.thermal.source)}},
               kIndent);
  Json trips = Json::array(), sensors = Json::array(), sources = Json::object();
  for (const Trip& trip : board.trips)
    trips.push_back({{"processor", trip.processor},
                     {"above_c", number(trip.above_c)},
                     {"hysteresis_c", number(trip.hysteresis_c)},
                     {"most_steps", trip.most_steps}});
  for (const PowerSensor& sensor : board.sensors) {
    Json json = {{"name", sensor.name}, {"processors", sensor.processors}};
    if (sensor.whole_board) json["whole_board"] = true;
    json["period_ms"] = number(sensor.period_ms);
    json["resolution_mw"] = number(sensor.resolution_mw);
    sensors.push_back(json);
  }
  for (const auto& [group, source] : board.sources) sources[group] = source_json(source);
  text += list("trips", trips, kIndent) + line("trip_period_ms", number(board.trip_period_ms), kIndent) +
          list("sensors", sensors, kIndent);
  return text + line("sources", sources, kIndent, true) + "}\n";
}

}  // namespace limber
