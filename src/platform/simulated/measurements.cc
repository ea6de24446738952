// SPDX-License-Identifier: Apache-2.0
#include "platform/simulated/measurements.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>

#include "base/error.h"
#include "base/mapped_file.h"
#include "formats/json_fields.h"

namespace limber {
namespace {

constexpr const char* kColumns[] = {"processor", "khz", "volt", "busy", "class", "watts", "celsius", "time_s"};
constexpr const char* kLegalColumns = "processor, khz, volt, busy, class, watts, celsius, time_s";

// One row's texts by column; a column without a value is not there.
using Cells = std::map<std::string, std::string>;

struct Range {
  double least, most;
};

const std::map<std::string, Range> kRanges = {{"khz", {1, 1e8}},      {"volt", {0.1, 5}},      {"busy", {0, 1024}},
                                              {"watts", {1e-6, 1e4}}, {"celsius", {-60, 300}}, {"time_s", {0, 1e7}}};

double number(const Cells& cells, const std::string& column, const std::string& place) {
  const Range& range = kRanges.at(column);
  const auto found = cells.find(column);
  if (found == cells.end())
    fail(ErrorCode::kBadFile, "{}, column {}: nothing; legal: {} to {}", place, column, range.least, range.most);
  const std::string& text = found->second;
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !(value >= range.least && value <= range.most))
    fail(ErrorCode::kBadFile, "{}, column {}: '{}'; legal: a number, {} to {}", place, column, text, range.least,
         range.most);
  return value;
}

// Sorts a row in: which of the two kinds it is, and that it has what its kind needs and nothing else.
void add_row(const Cells& cells, const std::string& place, Measurements* measurements) {
  const auto has = [&](const char* column) { return cells.count(column) > 0; };
  if (!has("processor")) {
    for (const char* column : {"khz", "volt", "busy", "class"}) {
      if (has(column))
        fail(ErrorCode::kBadFile,
             "{}, column {}: '{}' in a row without a processor; legal: time_s, watts and celsius, "
             "or name the processor",
             place, column, cells.at(column));
    }
    HeatRow row{place, number(cells, "time_s", place), number(cells, "watts", place), number(cells, "celsius", place)};
    if (!measurements->heat.empty() && row.time_s <= measurements->heat.back().time_s)
      fail(ErrorCode::kBadFile, "{}, column time_s: {} after {}; legal: ascending", place, row.time_s,
           measurements->heat.back().time_s);
    measurements->heat.push_back(row);
    return;
  }
  if (has("time_s"))
    fail(ErrorCode::kBadFile,
         "{}, column time_s: '{}' in a row of a processor; legal: only in rows of a heating and cooling trace, which "
         "name no processor",
         place, cells.at("time_s"));
  PowerRow row;
  row.place = place;
  row.processor = cells.at("processor");
  const double khz = number(cells, "khz", place);
  if (khz != std::floor(khz)) fail(ErrorCode::kBadFile, "{}, column khz: {}; legal: a whole number", place, khz);
  row.khz = static_cast<int64_t>(khz);
  if (has("volt")) row.volt = number(cells, "volt", place);
  row.busy = number(cells, "busy", place);
  if (has("class")) row.load_class = cells.at("class");
  if (!row.idle() && row.load_class.empty())
    fail(ErrorCode::kBadFile, "{}, column class: nothing; legal: a name of what the busy cores ran, or 'idle'", place);
  row.watts = number(cells, "watts", place);
  if (has("celsius")) row.celsius = number(cells, "celsius", place);
  measurements->power.push_back(row);
}

std::string trimmed(const std::string& text) {
  const auto first = text.find_first_not_of(" \t\r"), last = text.find_last_not_of(" \t\r");
  return first == std::string::npos ? "" : text.substr(first, last - first + 1);
}

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::size_t from = 0;
  for (std::size_t to; (to = text.find(separator, from)) != std::string::npos; from = to + 1)
    parts.push_back(trimmed(text.substr(from, to - from)));
  parts.push_back(trimmed(text.substr(from)));
  return parts;
}

void check_any(const Measurements& measurements) {
  if (measurements.power.empty() && measurements.heat.empty())
    fail(ErrorCode::kBadFile, "{}: no rows; legal: columns {}", measurements.where, kLegalColumns);
}

}  // namespace

Measurements parse_measurements_csv(const std::string& text, const std::string& where) {
  Measurements measurements;
  measurements.where = where;
  std::vector<std::string> columns;
  std::size_t line = 0;
  for (const std::string& one : split(text, '\n')) {
    ++line;
    if (one.empty() || one.front() == '#') continue;
    const std::string place = fmt::format("{}: line {}", where, line);
    const std::vector<std::string> cells = split(one, ',');
    if (columns.empty()) {
      for (const std::string& column : cells) {
        if (std::find(std::begin(kColumns), std::end(kColumns), column) == std::end(kColumns))
          fail(ErrorCode::kBadFile, "{}: no column '{}'; legal: {}", place, column, kLegalColumns);
        if (std::count(cells.begin(), cells.end(), column) > 1)
          fail(ErrorCode::kBadFile, "{}: column '{}' is there twice", place, column);
      }
      columns = cells;
      continue;
    }
    if (cells.size() != columns.size())
      fail(ErrorCode::kBadFile, "{}: {} values; legal: {}, as the first line has columns", place, cells.size(),
           columns.size());
    Cells named;
    for (std::size_t c = 0; c < columns.size(); ++c) {
      if (!cells[c].empty()) named[columns[c]] = cells[c];
    }
    add_row(named, place, &measurements);
  }
  check_any(measurements);
  return measurements;
}

Measurements parse_measurements_json(const std::string& text, const std::string& where) {
  const Json json = parse_json(text, where);
  const Fields fields(json, where, {"format", "version", "rows"});
  if (fields.text("format") != "limber-measurements" || fields.integer("version") != 1)
    fail(ErrorCode::kBadFile, "{}: format '{}' {}; legal: limber-measurements 1", where, fields.text("format"),
         fields.integer("version"));
  Measurements measurements;
  measurements.where = where;
  std::size_t count = 0;
  for (const Json& row : fields.array("rows")) {
    const std::string place = fmt::format("{}: row {}", where, ++count);
    const Fields one(row, place, {"processor", "khz", "volt", "busy", "class", "watts", "celsius", "time_s"});
    Cells named;
    for (const char* column : kColumns) {
      if (!one.has(column) || one.value(column).is_null()) continue;
      const bool text_column = std::string(column) == "processor" || std::string(column) == "class";
      named[column] = text_column ? one.text(column) : fmt::format("{}", one.number(column));
    }
    add_row(named, place, &measurements);
  }
  check_any(measurements);
  return measurements;
}

Measurements read_measurements(const std::string& path) {
  const MappedFile file(path);
  const std::string text(reinterpret_cast<const char*>(file.bytes().data()), file.size());
  const bool json = path.size() > 5 && path.substr(path.size() - 5) == ".json";
  return json ? parse_measurements_json(text, path) : parse_measurements_csv(text, path);
}

std::string print_measurements(const Measurements& measurements) {
  std::string text = "processor,khz,volt,busy,class,watts,celsius,time_s\n";
  for (const PowerRow& row : measurements.power) {
    const std::string volt = row.volt > 0 ? fmt::format("{}", row.volt) : "";
    const std::string celsius = row.celsius ? fmt::format("{}", *row.celsius) : "";
    text += fmt::format("{},{},{},{},{},{},{},\n", row.processor, row.khz, volt, row.busy, row.load_class, row.watts,
                        celsius);
  }
  for (const HeatRow& row : measurements.heat)
    text += fmt::format(",,,,,{},{},{}\n", row.watts, row.celsius, row.time_s);
  return text;
}

}  // namespace limber
