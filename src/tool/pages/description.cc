// SPDX-License-Identifier: Apache-2.0
#include "tool/pages/description.h"

#include <algorithm>

namespace limber::tool {
namespace {

// "{a,b,c}" is how CLI11 shows the values that IsMember allows.
std::vector<std::string> listed(const std::string& legal) {
  std::vector<std::string> values;
  if (legal.size() < 2 || legal.front() != '{' || legal.back() != '}') return values;
  std::string value;
  for (const char c : legal.substr(1)) {
    if (c != ',' && c != '}') {
      value += c;
    } else {
      values.push_back(value);
      value.clear();
    }
  }
  return values;
}

OptionDescription describe_option(const CLI::Option& option) {
  OptionDescription result;
  result.positional = option.get_positional();
  if (result.positional) {
    result.names.push_back(option.get_name(true));
  } else {
    for (const std::string& name : option.get_snames()) result.names.push_back("-" + name);
    for (const std::string& name : option.get_lnames()) result.names.push_back("--" + name);
  }
  result.required = option.get_required();
  result.repeated = option.get_items_expected_max() > 1;
  result.takes_value = option.get_expected_min() > 0;
  const std::string type = option.get_type_name();  // TYPE or TYPE:VALIDATOR
  const auto colon = type.find(':');
  if (result.takes_value) {
    result.type = type.substr(0, colon);
    if (colon != std::string::npos) result.legal = type.substr(colon + 1);
    result.values = listed(result.legal);
    result.takes_number = result.type == "INT" || result.type == "UINT" || result.type == "FLOAT";
  }
  result.initial = option.get_default_str();
  result.text = option.get_description();
  return result;
}

}  // namespace

CommandDescription describe(const CLI::App& app, const std::string& above) {
  CommandDescription result;
  result.name = above.empty() ? app.get_name() : above + " " + app.get_name();
  result.text = app.get_description();
  result.footer = app.get_footer();
  for (const CLI::Option* option : app.get_options())
    if (!option->get_group().empty()) result.options.push_back(describe_option(*option));
  std::ranges::stable_partition(result.options, [](const OptionDescription& option) { return option.positional; });
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; }))
    if (!command->get_group().empty()) result.commands.push_back(describe(*command, result.name));
  return result;
}

}  // namespace limber::tool
