// SPDX-License-Identifier: Apache-2.0
#include "formats/json_fields.h"

#include <fmt/ranges.h>

#include <cmath>
#include <limits>
#include <set>

#include "base/error.h"

namespace limber {
namespace {

constexpr int kDepth = 64;
constexpr std::size_t kSize = std::size_t{64} << 20;

[[noreturn]] void wrong_kind(const Json& value, const std::string& where, const char* legal) {
  std::string found = value.dump(-1, ' ', false, Json::error_handler_t::replace);
  if (found.size() > 60) found = found.substr(0, 60) + "...";
  fail(ErrorCode::kBadFile, "{}: found {}, expected {}", where, found, legal);
}

}  // namespace

Json parse_json(std::string_view text, const std::string& where) {
  if (text.size() > kSize) {
    fail(ErrorCode::kBadFile, "{}: {} bytes of JSON, at most {} are read", where, text.size(), kSize);
  }
  std::vector<std::set<std::string>> keys;
  const auto event = [&](int depth, Json::parse_event_t kind, Json& parsed) {
    if (depth > kDepth) fail(ErrorCode::kBadFile, "{}: JSON nested deeper than {} levels", where, kDepth);
    if (kind == Json::parse_event_t::object_start) keys.emplace_back();
    if (kind == Json::parse_event_t::object_end) keys.pop_back();
    if (kind == Json::parse_event_t::key && !keys.back().insert(parsed.get<std::string>()).second) {
      fail(ErrorCode::kBadFile, "{}: the key '{}' appears twice in one object", where, parsed.get<std::string>());
    }
    return true;
  };
  try {
    return Json::parse(text.begin(), text.end(), event);
  } catch (const Json::exception& error) {
    fail(ErrorCode::kBadFile, "{}: not JSON: {}", where, error.what());
  }
}

std::string print_json(const Json& value) {
  try {
    return value.dump();
  } catch (const Json::exception& error) {
    fail(ErrorCode::kInvalidArgument, "text that is to be written as JSON is not UTF-8: {}", error.what());
  }
}

Fields::Fields(const Json& value, std::string where, std::initializer_list<const char*> legal)
    : object_(&value), where_(std::move(where)) {
  if (!value.is_object()) wrong_kind(value, where_, "an object");
  for (const auto& [key, unused] : value.items()) {
    bool known = false;
    for (const char* name : legal) known = known || key == name;
    if (!known) {
      fail(ErrorCode::kBadFile, "{}: unknown key '{}'; legal keys: {}", where_, key,
           fmt::join(legal.begin(), legal.end(), ", "));
    }
  }
}

const Json& Fields::value(const char* key) const {
  const auto found = object_->find(key);
  if (found == object_->end()) fail(ErrorCode::kBadFile, "{}: the key '{}' is missing", where_, key);
  return *found;
}

std::string Fields::text(const char* key) const {
  return json_text(value(key), at(key));
}
int64_t Fields::integer(const char* key) const {
  return json_integer(value(key), at(key));
}
const Json& Fields::array(const char* key) const {
  return json_array(value(key), at(key));
}

double Fields::number(const char* key) const {
  const Json& found = value(key);
  if (!found.is_number()) wrong_kind(found, at(key), "a number");
  return found.get<double>();
}

bool Fields::boolean(const char* key, bool otherwise) const {
  if (!has(key)) return otherwise;
  const Json& found = value(key);
  if (!found.is_boolean()) wrong_kind(found, at(key), "true or false");
  return found.get<bool>();
}

std::vector<int64_t> Fields::integers(const char* key) const {
  std::vector<int64_t> values;
  for (const Json& item : array(key)) values.push_back(json_integer(item, at(key)));
  return values;
}

std::vector<float> Fields::numbers(const char* key) const {
  std::vector<float> values;
  for (const Json& item : array(key)) values.push_back(json_float(item, at(key)));
  return values;
}

std::vector<std::string> Fields::texts(const char* key) const {
  std::vector<std::string> values;
  for (const Json& item : array(key)) values.push_back(json_text(item, at(key)));
  return values;
}

int64_t json_integer(const Json& value, const std::string& where) {
  if (!value.is_number_integer()) wrong_kind(value, where, "a whole number");
  if (value.is_number_unsigned() && value.get<uint64_t>() > uint64_t{std::numeric_limits<int64_t>::max()}) {
    wrong_kind(value, where, "a whole number below 2^63");
  }
  return value.get<int64_t>();
}

float json_float(const Json& value, const std::string& where) {
  if (!value.is_number()) wrong_kind(value, where, "a number");
  const double number = value.get<double>();
  if (!(std::fabs(number) <= double{std::numeric_limits<float>::max()})) {
    wrong_kind(value, where, "a number that a float holds");
  }
  return static_cast<float>(number);
}

std::string json_text(const Json& value, const std::string& where) {
  if (!value.is_string()) wrong_kind(value, where, "a text");
  return value.get<std::string>();
}

const Json& json_array(const Json& value, const std::string& where) {
  if (!value.is_array()) wrong_kind(value, where, "an array");
  return value;
}

}  // namespace limber
