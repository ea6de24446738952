// SPDX-License-Identifier: Apache-2.0
#include "tool/run/options.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/error.h"
#include "manager/accuracy_floor.h"
#include "tool/run/source.h"

namespace limber::tool {

using namespace std::string_literals;

namespace {

std::string all_names(const std::vector<PolicyMember>& members, bool exit_plan, double floor) {
  std::string names;
  if (floor > 0) {
    for (const int m : members_above(members, floor))
      names += "static:" + members[static_cast<std::size_t>(m)].name + ",";
    return names + "dynamic";
  }
  for (const PolicyMember& member : members) names += "static:" + member.name + ",";
  return names + (exit_plan ? "dynamic,anytime" : "dynamic");
}

}  // namespace

std::vector<std::unique_ptr<Policy>> make_policies(const std::string& asked, const std::vector<PolicyMember>& members,
                                                   bool exit_plan, double accuracy_floor) {
  const std::string names = asked == "all" ? all_names(members, exit_plan, accuracy_floor) : asked;
  std::vector<std::unique_ptr<Policy>> policies;
  for (std::size_t from = 0; from <= names.size();) {
    const std::size_t comma = std::min(names.find(',', from), names.size());
    policies.push_back(make_policy(names.substr(from, comma - from), members, accuracy_floor));
    const std::string& name = policies.back()->name();
    if (name == "anytime" && !exit_plan)
      fail(ErrorCode::kUnsupported, "policy anytime: this model's members do not nest; legal: {}",
           all_names(members, false, 0));
    for (std::size_t p = 0; p + 1 < policies.size(); ++p) {
      if (policies[p]->name() == name) fail(ErrorCode::kInvalidArgument, "policy {} is named twice", name);
    }
    from = comma + 1;
  }
  return policies;
}

std::pair<double, double> parse_seconds(const std::string& text) {
  const std::size_t dash = text.find('-');
  const auto number = [](const std::string& part) {
    double value = -1;
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), value);
    return error == std::errc() && end == part.data() + part.size() && std::isfinite(value) ? value : -1;
  };
  const double from = dash == std::string::npos ? -1 : number(text.substr(0, dash));
  const double to = dash == std::string::npos ? -1 : number(text.substr(dash + 1));
  if (from < 0 || to <= from || to > 1e6)
    fail(ErrorCode::kInvalidArgument, "--load-at {}: legal is FROM-TO in seconds of a trace, as 2.5-8.5", text);
  return {from, to};
}

void check_options(const RunOptions& options) {
  if (!options.data.empty() && !options.input.empty())
    fail(ErrorCode::kInvalidArgument, "--data {} and --input {}: give one of them", options.data, options.input);
  if (options.unpinned && options.core >= 0)
    fail(ErrorCode::kInvalidArgument, "--unpinned and --core {}: give one of them", options.core);
  if (!options.load_at.empty()) parse_seconds(options.load_at);
  if (options.policy != "managed" && (","s + options.policy + ",").find(",managed,") != std::string::npos)
    fail(ErrorCode::kInvalidArgument, "--policy {}: limberd would manage the others, too; let managed play alone",
         options.policy);
  if (options.input.empty() || !is_live_input(options.input)) return;
  if (options.rounds > 1 || options.policy == "all" || options.policy.find(',') != std::string::npos)
    fail(ErrorCode::kInvalidArgument, "--input {}: a live stream plays once; give one policy and one round",
         options.input);
  if (options.load > 0 && options.load_at.empty() && options.frames == 0)
    fail(ErrorCode::kInvalidArgument, "--load {}: of a live stream the middle third is not known; give --frames",
         options.load);
}

}  // namespace limber::tool
