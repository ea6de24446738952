// SPDX-License-Identifier: Apache-2.0
// Choices as text: "depth=4,expand=6,stage3.block1.kernel=5".
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <set>
#include <string_view>

#include "base/error.h"
#include "network/design_space.h"

namespace limber {
namespace {

constexpr std::size_t kShown = 12;  // dimensions that a message lists

std::string_view kind_of(std::string_view name) {
  const std::size_t dot = name.rfind('.');
  return dot == std::string_view::npos ? name : name.substr(dot + 1);
}

std::string legal_names(const DesignSpace& space) {
  if (space.dimensions.empty()) return "none, the design space is empty";
  std::vector<std::string_view> names;
  for (const Dimension& dimension : space.dimensions) names.push_back(dimension.name);
  if (names.size() <= kShown) return fmt::format("{}", fmt::join(names, ", "));
  std::set<std::string_view> kinds;
  for (const std::string_view name : names) kinds.insert(kind_of(name));
  names.resize(3);
  return fmt::format("{}, ... ({} dimensions), or a kind for all of them: {}", fmt::join(names, ", "),
                     space.dimensions.size(), fmt::join(kinds, ", "));
}

// What a key names: dimensions, and how precisely.
struct Match {
  std::vector<std::size_t> dimensions;
  std::size_t precision = 0;  // a larger one wins
};

Match match(const DesignSpace& space, const std::string& text, const std::string& key) {
  Match result;
  for (std::size_t i = 0; i < space.dimensions.size(); ++i) {
    if (space.dimensions[i].name == key) return {{i}, std::string::npos};
  }
  const std::string_view kind = kind_of(key);
  const std::string_view place = std::string_view(key).substr(0, key.size() - kind.size());  // with the last dot
  result.precision = static_cast<std::size_t>(std::count(key.begin(), key.end(), '.')) + 1;
  std::set<std::string_view> kinds;
  for (std::size_t i = 0; i < space.dimensions.size() && !kind.empty(); ++i) {
    const std::string_view name = space.dimensions[i].name;
    if (!name.starts_with(place) || !kind_of(name).starts_with(kind)) continue;
    kinds.insert(kind_of(name));
    result.dimensions.push_back(i);
  }
  if (kinds.contains(kind) && kinds.size() > 1) {  // "depth" is not also "depthwise"
    std::erase_if(result.dimensions, [&](std::size_t i) { return kind_of(space.dimensions[i].name) != kind; });
  } else if (kinds.size() > 1) {
    fail(ErrorCode::kInvalidArgument, "choice '{}': '{}' may be {}; write more letters", text, key,
         fmt::join(kinds, " or "));
  }
  if (result.dimensions.empty()) {
    fail(ErrorCode::kInvalidArgument, "choice '{}': no dimension '{}'; legal: {}", text, key, legal_names(space));
  }
  return result;
}

}  // namespace

std::string to_string(const DesignSpace& space, const Choice& choice) {
  const std::size_t count = std::min(choice.size(), space.dimensions.size());
  std::string text;
  std::set<std::string_view> done;
  for (std::size_t i = 0; i < count; ++i) {
    const std::string_view name = space.dimensions[i].name, kind = kind_of(name);
    if (done.contains(kind)) continue;
    bool alike = false;  // several of this kind, all with this value
    for (std::size_t j = 0; j < count; ++j) {
      const std::string_view other = space.dimensions[j].name;
      if (j == i || kind_of(other) != kind) continue;
      alike = choice[j] == choice[i] && other != kind;
      if (!alike) break;
    }
    alike = alike && name != kind;
    if (alike) done.insert(kind);
    text += fmt::format("{}{}={}", text.empty() ? "" : ",", alike ? kind : name, choice[i]);
  }
  return text;
}

Choice parse_choice(const DesignSpace& space, const std::string& text) {
  Choice choice(space.dimensions.size());
  std::vector<std::size_t> precision(choice.size());  // of the key that gave the value; 0: none yet
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find(',', at), text.size());
    const std::string part = text.substr(at, end - at);
    at = end + 1;
    const std::size_t equals = part.find('=');
    if (equals == std::string::npos) {
      fail(ErrorCode::kInvalidArgument, "choice '{}': '{}' is not of the form dimension=value", text, part);
    }
    const std::string key = part.substr(0, equals);
    const Match found = match(space, text, key);
    int64_t value = 0;
    const char* const first = part.data() + equals + 1;
    const char* const last = part.data() + part.size();
    const auto [next, error] = std::from_chars(first, last, value);
    if (error != std::errc() || next != last) {
      fail(ErrorCode::kInvalidArgument, "choice '{}': '{}' is not a number; legal for '{}': {}", text,
           part.substr(equals + 1), key, fmt::join(space.dimensions[found.dimensions.front()].choices, ", "));
    }
    for (const std::size_t i : found.dimensions) {
      if (precision[i] == found.precision) {
        fail(ErrorCode::kInvalidArgument, "choice '{}': dimension '{}' is given twice", text, space.dimensions[i].name);
      }
      if (precision[i] > found.precision) continue;
      precision[i] = found.precision;
      choice[i] = value;
    }
  }
  for (std::size_t i = 0; i < choice.size(); ++i) {
    const Dimension& dimension = space.dimensions[i];
    if (precision[i] == 0) {
      const std::string_view kind = kind_of(dimension.name);
      fail(ErrorCode::kInvalidArgument, "choice '{}': dimension '{}' is missing; legal: {}{}", text, dimension.name,
           fmt::join(dimension.choices, ", "),
           kind == dimension.name ? "" : fmt::format("; '{}=' sets all of its kind", kind));
    }
    if (std::find(dimension.choices.begin(), dimension.choices.end(), choice[i]) == dimension.choices.end()) {
      fail(ErrorCode::kInvalidArgument, "choice '{}': dimension '{}': {} is not a choice; legal: {}", text,
           dimension.name, choice[i], fmt::join(dimension.choices, ", "));
    }
  }
  return choice;
}

}  // namespace limber
