// SPDX-License-Identifier: Apache-2.0
// Reads TOML tables key by key; errors name file, line, key and what is legal. Layer: formats. For .cc files only, so
// that no other header needs the TOML library.
#pragma once
#include <toml++/toml.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"

namespace limber {

// Reads one table key by key and complains about whatever is left over.
class TomlReader {
 public:
  TomlReader(const toml::table& table, std::string path, std::string section)
      : table_(table), path_(std::move(path)), section_(std::move(section)) {}

  [[noreturn]] void refuse(const toml::node& node, const std::string& key, const std::string& legal) const {
    fail(ErrorCode::kBadFile, "{}:{}: {}{}: legal is {}", path_, node.source().begin.line, section_, key, legal);
  }
  const toml::node* find(const std::string& key) {
    known_.push_back(key);
    return table_.get(key);
  }
  const toml::node& need(const std::string& key, const std::string& legal) {
    const toml::node* node = find(key);
    if (node == nullptr) fail(ErrorCode::kBadFile, "{}: {}{} is missing; give {}", path_, section_, key, legal);
    return *node;
  }
  bool has(const std::string& key) {
    known_.push_back(key);
    return table_.contains(key);
  }
  std::string text(const std::string& key) {
    const toml::node& node = need(key, "a text in quotes");
    if (!node.is_string() || node.as_string()->get().empty()) refuse(node, key, "a text in quotes");
    return node.as_string()->get();
  }
  void boolean(const std::string& key, bool& value) {
    if (const toml::node* node = find(key)) {
      if (!node->is_boolean()) refuse(*node, key, "true or false");
      value = node->as_boolean()->get();
    }
  }
  void integer(const std::string& key, int64_t& value, int64_t low, int64_t high) {
    if (const toml::node* node = find(key)) value = one_integer(*node, key, low, high);
  }
  int64_t one_integer(const toml::node& node, const std::string& key, int64_t low, int64_t high) const {
    const std::string legal = fmt::format("an integer from {} to {}", low, high);
    if (!node.is_integer()) refuse(node, key, legal);
    const int64_t value = node.as_integer()->get();
    if (value < low || value > high) refuse(node, key, fmt::format("{}, not {}", legal, value));
    return value;
  }
  void number(const std::string& key, double& value, double low, double high) {
    if (const toml::node* node = find(key)) value = one_number(*node, key, low, high);
  }
  double one_number(const toml::node& node, const std::string& key, double low, double high) const {
    const std::string legal = fmt::format("a number from {} to {}", low, high);
    if (!node.is_number()) refuse(node, key, legal);
    const double value = *node.value<double>();
    if (!(value >= low && value <= high)) refuse(node, key, fmt::format("{}, not {}", legal, value));
    return value;
  }
  const toml::array& array(const std::string& key, const std::string& legal) {
    const toml::node& node = need(key, legal);
    if (!node.is_array() || node.as_array()->empty()) refuse(node, key, legal);
    return *node.as_array();
  }
  std::vector<float> numbers(const std::string& key, double low, double high) {
    std::vector<float> values;
    for (const toml::node& node : array(key, "a list of numbers, one per channel"))
      values.push_back(static_cast<float>(one_number(node, key, low, high)));
    return values;
  }
  template <typename T>
  void word(const std::string& key, T& value, const std::vector<std::pair<std::string, T>>& legal) {
    const toml::node* node = find(key);
    if (node == nullptr) return;
    std::string list;
    for (const auto& [name, meaning] : legal) {
      if (node->is_string() && node->as_string()->get() == name) {
        value = meaning;
        return;
      }
      list += (list.empty() ? "\"" : ", \"") + name + "\"";
    }
    refuse(*node, key, "one of " + list);
  }
  const toml::table& table(const std::string& key) {
    const toml::node& node = need(key, "a section [" + key + "]");
    if (!node.is_table()) refuse(node, key, "a section [" + key + "]");
    return *node.as_table();
  }
  // Call last: whatever was not asked for is not legal here.
  void done() const {
    for (const auto& [key, node] : table_) {
      const std::string name(key.str());
      if (std::find(known_.begin(), known_.end(), name) != known_.end()) continue;
      std::string list;
      for (const std::string& known : known_) list += (list.empty() ? "" : ", ") + known;
      fail(ErrorCode::kBadFile, "{}:{}: {}{}: no such key; legal keys here are {}", path_, node.source().begin.line,
           section_, name, list);
    }
  }

 private:
  const toml::table& table_;
  std::string path_, section_;
  std::vector<std::string> known_;
};

}  // namespace limber
