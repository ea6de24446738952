// SPDX-License-Identifier: Apache-2.0
// Reading JSON that nobody vouches for: every error names the place and the legal keys or kinds. For .cc files of
// formats only, so that no other header needs the JSON library. Layer: formats.
#pragma once
#include <cstdint>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace limber {

using Json = nlohmann::ordered_json;

// Fails with kBadFile on broken text, a key twice in one object, more than 64 levels, or more than 64 MiB.
Json parse_json(std::string_view text, const std::string& where);

// Fails with kInvalidArgument if a string in it is not UTF-8.
std::string print_json(const Json& value);

// One JSON object with a known set of keys. Borrows the value; `where` opens every message. Getters fail when the key
// is missing and no default was given, and when the kind is wrong.
class Fields {
 public:
  Fields(const Json& value, std::string where, std::initializer_list<const char*> legal);

  const std::string& where() const { return where_; }
  std::string at(const char* key) const { return where_ + ": '" + key + "'"; }
  bool has(const char* key) const { return object_->contains(key); }
  const Json& value(const char* key) const;
  std::string text(const char* key) const;
  std::string text(const char* key, const std::string& otherwise) const { return has(key) ? text(key) : otherwise; }
  int64_t integer(const char* key) const;
  int64_t integer(const char* key, int64_t otherwise) const { return has(key) ? integer(key) : otherwise; }
  double number(const char* key) const;
  bool boolean(const char* key, bool otherwise) const;
  const Json& array(const char* key) const;
  std::vector<int64_t> integers(const char* key) const;
  std::vector<float> numbers(const char* key) const;
  std::vector<std::string> texts(const char* key) const;

 private:
  const Json* object_;
  std::string where_;
};

int64_t json_integer(const Json& value, const std::string& where);
float json_float(const Json& value, const std::string& where);
std::string json_text(const Json& value, const std::string& where);
const Json& json_array(const Json& value, const std::string& where);

}  // namespace limber
