// SPDX-License-Identifier: Apache-2.0
#include "network/design_space.h"

#include <fmt/ranges.h>

#include <algorithm>

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

Choice smallest_choice(const DesignSpace& space) {
  Choice choice;
  for (const Dimension& dimension : space.dimensions) choice.push_back(dimension.choices.front());
  return choice;
}

Choice largest_choice(const DesignSpace& space) {
  Choice choice;
  for (const Dimension& dimension : space.dimensions) choice.push_back(dimension.choices.back());
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
