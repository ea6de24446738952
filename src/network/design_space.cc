// SPDX-License-Identifier: Apache-2.0
#include "network/design_space.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>

#include "base/error.h"

namespace limber {
namespace {

std::string dimension_names(const DesignSpace& space) {
  std::string names;
  for (const Dimension& dimension : space.dimensions) names += (names.empty() ? "" : ", ") + dimension.name;
  return names.empty() ? "none, the design space is empty" : names;
}

void check_value(const Dimension& dimension, int64_t value) {
  if (std::find(dimension.choices.begin(), dimension.choices.end(), value) != dimension.choices.end()) return;
  fail(ErrorCode::kInvalidArgument, "dimension '{}': {} is not a choice; legal: {}", dimension.name, value,
       fmt::join(dimension.choices, ", "));
}

}  // namespace

std::string to_string(const DesignSpace& space, const Choice& choice) {
  std::string text;
  for (std::size_t i = 0; i < choice.size() && i < space.dimensions.size(); ++i) {
    text += (i == 0 ? "" : ",") + space.dimensions[i].name + "=" + std::to_string(choice[i]);
  }
  return text;
}

Choice parse_choice(const DesignSpace& space, const std::string& text) {
  Choice choice(space.dimensions.size());
  std::vector<bool> given(choice.size());
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find(',', at), text.size());
    const std::string part = text.substr(at, end - at);
    at = end + 1;
    const std::size_t equals = part.find('=');
    if (equals == std::string::npos) {
      fail(ErrorCode::kInvalidArgument, "choice '{}': '{}' is not of the form dimension=value", text, part);
    }
    const std::string name = part.substr(0, equals);
    const auto found = std::find_if(space.dimensions.begin(), space.dimensions.end(),
                                    [&](const Dimension& dimension) { return dimension.name == name; });
    if (found == space.dimensions.end()) {
      fail(ErrorCode::kInvalidArgument, "choice '{}': no dimension '{}'; legal: {}", text, name,
           dimension_names(space));
    }
    const auto index = static_cast<std::size_t>(found - space.dimensions.begin());
    if (given[index]) fail(ErrorCode::kInvalidArgument, "choice '{}': dimension '{}' is given twice", text, name);
    const char* const first = part.data() + equals + 1;
    const char* const last = part.data() + part.size();
    const auto [next, error] = std::from_chars(first, last, choice[index]);
    if (error != std::errc() || next != last) {
      fail(ErrorCode::kInvalidArgument, "choice '{}': '{}' is not a number; legal for '{}': {}", text,
           part.substr(equals + 1), name, fmt::join(found->choices, ", "));
    }
    check_value(*found, choice[index]);
    given[index] = true;
  }
  for (std::size_t i = 0; i < choice.size(); ++i) {
    if (!given[i]) {
      fail(ErrorCode::kInvalidArgument, "choice '{}': dimension '{}' is missing; legal: {}", text,
           space.dimensions[i].name, fmt::join(space.dimensions[i].choices, ", "));
    }
  }
  return choice;
}

void check_choice(const DesignSpace& space, const Choice& choice) {
  if (choice.size() != space.dimensions.size()) {
    fail(ErrorCode::kInvalidArgument, "a choice has {} values, the design space {} dimensions: {}", choice.size(),
         space.dimensions.size(), dimension_names(space));
  }
  for (std::size_t i = 0; i < choice.size(); ++i) check_value(space.dimensions[i], choice[i]);
}

Resolved resolve(const Extent& extent, const Choice& choice) {
  if (extent.by.empty()) return {extent.constant, extent.per_symbol, extent.symbol};
  std::vector<int64_t> key;
  key.reserve(extent.by.size());
  for (int dimension : extent.by) key.push_back(choice.at(static_cast<std::size_t>(dimension)));
  const auto found = extent.table.find(key);
  if (found == extent.table.end()) {
    fail(ErrorCode::kInvalidArgument, "an extent's table has no value for ({}); it needs one for every choice",
         fmt::join(key, ", "));
  }
  return {found->second, extent.per_symbol, extent.symbol};
}

}  // namespace limber
