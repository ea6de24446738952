// SPDX-License-Identifier: Apache-2.0
#include "train/sampler.h"

#include <fmt/ranges.h>
#include <fnmatch.h>

#include <algorithm>
#include <charconv>

#include "base/error.h"

namespace limber::train {
namespace {

std::string names_of(const DesignSpace& space) {
  std::string names;
  for (const Dimension& dimension : space.dimensions) names += (names.empty() ? "" : ", ") + dimension.name;
  return names;
}

struct Condition {
  std::string name, relation;  // "*.depth", ">="
  int64_t value = 0;
};

Condition parse_condition(const std::string& text, const std::string& where) {
  const std::size_t at = text.find_first_of("<>=");
  Condition condition;
  if (at != text.npos) {
    condition.relation = text[at] == '=' ? "=" : text.substr(at, 2);
    condition.name = text.substr(0, at);
    const char* const first = text.data() + std::min(at + condition.relation.size(), text.size());
    const char* const last = text.data() + text.size();
    const auto [end, error] = std::from_chars(first, last, condition.value);
    const bool known = condition.relation == "=" || condition.relation == ">=" || condition.relation == "<=";
    if (known && !condition.name.empty() && error == std::errc() && end == last) return condition;
  }
  fail(ErrorCode::kBadFile, "{}: '{}' is not of the form dimension=value, dimension>=value or dimension<=value", where,
       text);
}

void keep(Dimension& dimension, const Condition& condition, const std::string& where) {
  const std::vector<int64_t> before = dimension.choices;
  std::erase_if(dimension.choices, [&](int64_t value) {
    if (condition.relation == "=") return value != condition.value;
    return condition.relation == ">=" ? value < condition.value : value > condition.value;
  });
  if (dimension.choices.empty())
    fail(ErrorCode::kBadFile, "{}: {}{}{} leaves no choice; legal for '{}': {}", where, condition.name,
         condition.relation, condition.value, dimension.name, fmt::join(before, ", "));
}

}  // namespace

DesignSpace restricted(const DesignSpace& space, const std::string& pattern, const std::string& where) {
  DesignSpace result = space;
  for (std::size_t at = 0; at < pattern.size();) {
    const std::size_t end = std::min(pattern.find(',', at), pattern.size());
    const Condition condition = parse_condition(pattern.substr(at, end - at), where);
    at = end + 1;
    bool found = false;
    for (Dimension& dimension : result.dimensions) {
      if (fnmatch(condition.name.c_str(), dimension.name.c_str(), 0) != 0) continue;
      keep(dimension, condition, where);
      found = true;
    }
    if (!found)
      fail(ErrorCode::kBadFile, "{}: no dimension is called '{}'; legal: {}", where, condition.name, names_of(space));
  }
  return result;
}

std::vector<Choice> sample(const DesignSpace& space, Sample how, int64_t subnets, Random& random) {
  if (how == Sample::kLargest) return {largest_choice(space)};
  std::vector<Choice> choices;
  if (how == Sample::kSandwich) choices = {largest_choice(space), smallest_choice(space)};
  while (static_cast<int64_t>(choices.size()) < subnets) {
    Choice& choice = choices.emplace_back();
    for (const Dimension& dimension : space.dimensions)
      choice.push_back(dimension.choices[random.below(dimension.choices.size())]);
  }
  return choices;
}

}  // namespace limber::train
