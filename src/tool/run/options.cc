// SPDX-License-Identifier: Apache-2.0
#include "tool/run/options.h"

#include <algorithm>

#include "base/error.h"
#include "tool/run/source.h"

namespace limber::tool {

namespace {

std::string all_names(const std::vector<PolicyMember>& members, bool exit_plan) {
  std::string names;
  for (const PolicyMember& member : members) names += "static:" + member.name + ",";
  return names + (exit_plan ? "dynamic,anytime" : "dynamic");
}

}  // namespace

std::vector<std::unique_ptr<Policy>> make_policies(const std::string& asked, const std::vector<PolicyMember>& members,
                                                   bool exit_plan) {
  const std::string names = asked == "all" ? all_names(members, exit_plan) : asked;
  std::vector<std::unique_ptr<Policy>> policies;
  for (std::size_t from = 0; from <= names.size();) {
    const std::size_t comma = std::min(names.find(',', from), names.size());
    policies.push_back(make_policy(names.substr(from, comma - from), members));
    const std::string& name = policies.back()->name();
    if (name == "anytime" && !exit_plan)
      fail(ErrorCode::kUnsupported, "policy anytime: this model's members do not nest; legal: {}",
           all_names(members, false));
    for (std::size_t p = 0; p + 1 < policies.size(); ++p) {
      if (policies[p]->name() == name) fail(ErrorCode::kInvalidArgument, "policy {} is named twice", name);
    }
    from = comma + 1;
  }
  return policies;
}

void check_options(const RunOptions& options) {
  if (!options.data.empty() && !options.input.empty())
    fail(ErrorCode::kInvalidArgument, "--data {} and --input {}: give one of them", options.data, options.input);
  if (options.input.empty() || !is_live_input(options.input)) return;
  if (options.rounds > 1 || options.policy == "all" || options.policy.find(',') != std::string::npos)
    fail(ErrorCode::kInvalidArgument, "--input {}: a live stream plays once; give one policy and one round",
         options.input);
  if (options.load > 0 && options.frames == 0)
    fail(ErrorCode::kInvalidArgument, "--load {}: of a live stream the middle third is not known; give --frames",
         options.load);
}

}  // namespace limber::tool
