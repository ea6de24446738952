// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include <fmt/core.h>

#include "tool/pages/description.h"

namespace limber::tool {
namespace {

// Characters that roff would take for commands or print as others: a hyphen for a minus cannot be pasted into a shell.
std::string roff(const std::string& text) {
  std::string result;
  for (const char c : text) {
    switch (c) {
      case '\\':
        result += "\\e";
        break;
      case '-':
        result += "\\-";
        break;
      case '\'':
        result += "\\(aq";
        break;
      case '`':
        result += "\\(ga";
        break;
      case '^':
        result += "\\(ha";
        break;
      case '~':
        result += "\\(ti";
        break;
      default:
        result += c;
    }
  }
  return result.starts_with('.') ? "\\&" + result : result;
}

std::string upper(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return std::toupper(c); });
  return text;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines(1);
  for (const char c : text) {
    if (c == '\n')
      lines.emplace_back();
    else
      lines.back() += c;
  }
  return lines;
}

// A footer is sentences, and then examples and tables, whose lines stay as they are.
std::string footer(const std::string& text) {
  std::string result = ".PP\n";
  bool filled = true;
  for (const std::string& line : lines_of(text)) {
    const bool fill =
        !line.empty() && line.front() != ' ' && !line.starts_with("Example") && line.find("  ") == line.npos;
    if (fill != filled) result += fill ? ".fi\n.PP\n" : ".PP\n.nf\n";
    filled = fill;
    result += line.empty() ? "\\&\n" : roff(line) + "\n";
  }
  return filled ? result : result + ".fi\n";
}

std::string in_front(const OptionDescription& option) {
  std::string result;
  for (const std::string& name : option.names)
    result += fmt::format("{}{}{}\\fR", result.empty() ? "" : ", ", option.positional ? "\\fI" : "\\fB", roff(name));
  if (option.takes_value && !option.positional) result += " \\fI" + roff(option.type) + "\\fR";
  return result + (option.repeated ? " ..." : "");
}

std::string option_entry(const OptionDescription& option) {
  std::string result = ".TP\n" + in_front(option) + "\n" + roff(option.text) + "\n";
  std::string facts;
  if (option.required && !option.positional) facts += "Required. ";
  if (!option.values.empty()) {
    std::string list;
    for (const std::string& value : option.values) list += (list.empty() ? "" : ", ") + value;
    facts += fmt::format("Legal: {}. ", list);
  } else if (!option.legal.empty()) {
    facts += fmt::format("Legal: {}. ", option.legal);
  }
  if (!option.initial.empty()) facts += fmt::format("Default: {}. ", option.initial);
  if (facts.empty()) return result;
  facts.pop_back();
  return result + ".br\n" + roff(facts) + "\n";
}

std::string synopsis(const CommandDescription& command) {
  std::string result = fmt::format("\\fB{}\\fR", roff(command.name));
  if (!command.commands.empty()) return result + " \\fICOMMAND\\fR ...";
  for (const OptionDescription& option : command.options) {
    if (!option.positional && !option.required) continue;
    result += " " + (option.required ? in_front(option) : "[" + in_front(option) + "]");
  }
  return result + " [\\fIOPTION\\fR ...]";
}

std::string section_of(const CommandDescription& command) {
  std::string result =
      fmt::format(".SS \"{}\"\n{}\n.PP\n{}\n", roff(command.name), roff(command.text), synopsis(command));
  for (const OptionDescription& option : command.options)
    if (option.names.back() != "--help") result += option_entry(option);
  if (!command.footer.empty()) result += footer(command.footer);
  for (const CommandDescription& one : command.commands) result += section_of(one);
  return result;
}

}  // namespace

std::string man_page(const CommandDescription& command, int section, const std::string& version) {
  std::string result = ".\\\" Written from the command's own description. SPDX-License-Identifier: Apache-2.0\n";
  result += fmt::format(".TH {} {} \"\" \"{}\"\n.nh\n.ad l\n", upper(command.name), section, roff(version));
  result += fmt::format(".SH NAME\n{} \\- {}\n", roff(command.name), roff(command.text));
  result += fmt::format(".SH SYNOPSIS\n{}\n.SH OPTIONS\n", synopsis(command));
  for (const OptionDescription& option : command.options) result += option_entry(option);
  if (!command.commands.empty()) result += ".SH COMMANDS\n";
  for (const CommandDescription& one : command.commands) result += section_of(one);
  if (!command.footer.empty()) result += ".SH NOTES\n" + footer(command.footer);
  return result;
}

}  // namespace limber::tool
