// SPDX-License-Identifier: Apache-2.0
// The file of a profile; what it means is in profile.cc.
#include <algorithm>
#include <cmath>
#include <set>
#include <tuple>

#include "base/atomic_file.h"
#include "base/cpu_list.h"
#include "base/error.h"
#include "base/mapped_file.h"
#include "formats/json_fields.h"
#include "manager/profile.h"

namespace limber {
namespace {

constexpr const char* kFormat = "limber-profile";
constexpr int64_t kVersion = 1;
constexpr std::size_t kMostPoints = 100'000;
constexpr int64_t kMostImages = 1 << 20, kMostCpus = 1 << 16;

int64_t within(const Fields& fields, const char* key, int64_t least, int64_t most) {
  const int64_t value = fields.integer(key);
  if (value < least || value > most)
    fail(ErrorCode::kBadFile, "{} is {}; legal: {} to {}", fields.at(key), value, least, most);
  return value;
}

double time_ms(const Fields& fields, const char* key) {
  const double value = fields.number(key);
  if (!(value > 0) || value > 1e9)
    fail(ErrorCode::kBadFile, "{} is {}; legal: more than 0, up to 1e9 milliseconds", fields.at(key), value);
  return value;
}

std::string some_text(const Fields& fields, const char* key) {
  std::string text = fields.text(key);
  if (text.empty()) fail(ErrorCode::kBadFile, "{} is empty", fields.at(key));
  return text;
}

ProfileKey parse_key(const Json& value, const std::string& where) {
  const Fields fields(value, where,
                      {"model", "weight_hash", "precision", "isa", "cpu_model", "logical_cpus", "processor", "symbols",
                       "limber", "date"});
  ProfileKey key;
  key.model = fields.text("model");
  key.weight_hash = fields.text("weight_hash");
  key.precision = some_text(fields, "precision");
  key.isa = some_text(fields, "isa");
  key.cpu_model = fields.text("cpu_model");
  key.logical_cpus = static_cast<int>(within(fields, "logical_cpus", 0, kMostCpus));
  key.processor = some_text(fields, "processor");
  key.limber = fields.text("limber");
  key.date = fields.text("date");
  const Json& symbols = fields.value("symbols");
  if (!symbols.is_object()) fail(ErrorCode::kBadFile, "{} is not an object", fields.at("symbols"));
  for (const auto& [name, count] : symbols.items()) key.symbols[name] = json_integer(count, fields.at("symbols"));
  return key;
}

std::optional<Accuracy> parse_accuracy(const Json& value, const std::string& where) {
  if (value.is_null()) return std::nullopt;
  const Fields fields(value, where, {"top1", "data", "split", "data_hash", "samples"});
  Accuracy accuracy;
  accuracy.top1 = fields.number("top1");
  if (!(accuracy.top1 >= 0 && accuracy.top1 <= 1))
    fail(ErrorCode::kBadFile, "{} is {}; legal: 0 to 1", fields.at("top1"), accuracy.top1);
  accuracy.data = fields.text("data");
  accuracy.split = fields.text("split");
  accuracy.data_hash = fields.text("data_hash");
  accuracy.samples = within(fields, "samples", 0, INT64_MAX);
  return accuracy;
}

OperatingPoint parse_point(const Json& value, const std::string& where) {
  const Fields fields(value, where,
                      {"member", "exit", "macs", "batch", "cores", "governor", "frequency_khz", "samples", "left_out",
                       "median_ms", "p95_ms", "min_ms", "deviation_ms", "energy_mj", "accuracy"});
  OperatingPoint point;
  point.member = some_text(fields, "member");
  if (!fields.value("exit").is_null()) point.exit = static_cast<int>(within(fields, "exit", 0, 1 << 16));
  point.macs = within(fields, "macs", 0, INT64_MAX);
  point.batch = within(fields, "batch", 1, kMostImages);
  for (const int64_t cpu : fields.integers("cores")) {
    if (cpu < 0 || cpu >= kMostCpus || (!point.cores.empty() && cpu <= point.cores.back()))
      fail(ErrorCode::kBadFile, "{}: found {}; legal: ascending, 0 to {}", fields.at("cores"), cpu, kMostCpus - 1);
    point.cores.push_back(static_cast<int>(cpu));
  }
  if (point.cores.empty()) fail(ErrorCode::kBadFile, "{} is empty; legal: at least one CPU", fields.at("cores"));
  point.governor = fields.text("governor");
  point.frequency_khz = within(fields, "frequency_khz", 0, INT64_MAX);
  point.samples = within(fields, "samples", 1, INT64_MAX);
  point.left_out = within(fields, "left_out", 0, INT64_MAX);
  point.median_ms = time_ms(fields, "median_ms");
  point.p95_ms = time_ms(fields, "p95_ms");
  point.min_ms = time_ms(fields, "min_ms");
  if (point.min_ms > point.median_ms || point.median_ms > point.p95_ms)
    fail(ErrorCode::kBadFile, "{}: min_ms {}, median_ms {}, p95_ms {} do not ascend", where, point.min_ms,
         point.median_ms, point.p95_ms);
  point.deviation_ms = fields.number("deviation_ms");
  if (!(point.deviation_ms >= 0) || point.deviation_ms > 1e9)
    fail(ErrorCode::kBadFile, "{} is {}; legal: 0 to 1e9 milliseconds", fields.at("deviation_ms"), point.deviation_ms);
  if (!fields.value("energy_mj").is_null()) {
    point.energy_mj = fields.number("energy_mj");
    if (!(*point.energy_mj >= 0) || *point.energy_mj > 1e12)
      fail(ErrorCode::kBadFile, "{} is {}; legal: 0 to 1e12, or null", fields.at("energy_mj"), *point.energy_mj);
  }
  point.accuracy = parse_accuracy(fields.value("accuracy"), fields.at("accuracy"));
  return point;
}

Json print_point(const OperatingPoint& point) {
  Json result = {{"member", point.member},
                 {"exit", point.exit < 0 ? Json() : Json(point.exit)},
                 {"macs", point.macs},
                 {"batch", point.batch},
                 {"cores", point.cores},
                 {"governor", point.governor},
                 {"frequency_khz", point.frequency_khz},
                 {"samples", point.samples},
                 {"left_out", point.left_out},
                 {"median_ms", point.median_ms},
                 {"p95_ms", point.p95_ms},
                 {"min_ms", point.min_ms},
                 {"deviation_ms", point.deviation_ms},
                 {"energy_mj", point.energy_mj ? Json(*point.energy_mj) : Json()},
                 {"accuracy", Json()}};
  if (point.accuracy) {
    result["accuracy"] = {{"top1", point.accuracy->top1},
                          {"data", point.accuracy->data},
                          {"split", point.accuracy->split},
                          {"data_hash", point.accuracy->data_hash},
                          {"samples", point.accuracy->samples}};
  }
  return result;
}

}  // namespace

Profile parse_profile(const std::string& text, const std::string& where) {
  const Json json = parse_json(text, where);
  if (!json.is_object() || !json.contains("format") || json["format"] != kFormat)
    fail(ErrorCode::kBadFile, "{}: this is not a profile (no \"format\": \"{}\"); `limber profile` writes one", where,
         kFormat);
  if (!json.contains("version") || json["version"] != kVersion)
    fail(ErrorCode::kBadFile, "{}: 'version' is {}; this limber reads {}: measure again with limber profile", where,
         json.contains("version") ? json["version"].dump(-1, ' ', false, Json::error_handler_t::replace).substr(0, 40)
                                  : "missing",
         kVersion);
  const Fields fields(json, where, {"format", "version", "key", "points"});
  Profile profile;
  profile.key = parse_key(fields.value("key"), fields.at("key"));
  const Json& points = fields.array("points");
  if (points.empty() || points.size() > kMostPoints)
    fail(ErrorCode::kBadFile, "{}: {} points; legal: 1 to {}", where, points.size(), kMostPoints);
  std::set<std::tuple<std::string, int, int64_t, std::vector<int>>> seen;
  for (const Json& value : points) {
    const std::string place = fmt::format("{}: point {}", where, profile.points.size());
    OperatingPoint point = parse_point(value, place);
    if (!seen.emplace(point.member, point.exit, point.batch, point.cores).second)
      fail(ErrorCode::kBadFile, "{}: member '{}', exit {}, batch {}, cores {} is there twice", place, point.member,
           point.exit, point.batch, print_cpu_list(point.cores));
    profile.points.push_back(std::move(point));
  }
  return profile;
}

Profile read_profile(const std::string& path) {
  const MappedFile file(path);
  const auto bytes = file.bytes();
  return parse_profile({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, path);
}

std::string print_profile(const Profile& profile) {
  const ProfileKey& key = profile.key;
  Json symbols = Json::object();
  for (const auto& [name, value] : key.symbols) symbols[name] = value;
  const Json header = {{"model", key.model},         {"weight_hash", key.weight_hash},
                       {"precision", key.precision}, {"isa", key.isa},
                       {"cpu_model", key.cpu_model}, {"logical_cpus", key.logical_cpus},
                       {"processor", key.processor}, {"symbols", symbols},
                       {"limber", key.limber},       {"date", key.date}};
  // A point a line, for people and for diff.
  std::string text = fmt::format("{{\"format\": \"{}\", \"version\": {},\n \"key\": {},\n \"points\": [", kFormat,
                                 kVersion, print_json(header));
  for (std::size_t i = 0; i < profile.points.size(); ++i)
    text += (i == 0 ? "\n  " : ",\n  ") + print_json(print_point(profile.points[i]));
  return text + "\n]}\n";
}

void write_profile(const Profile& profile, const std::string& path) {
  const std::string text = print_profile(profile);
  AtomicFile file(path);
  file.write(text);
  file.commit();
}

}  // namespace limber
