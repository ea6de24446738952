// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include "tool/pages/description.h"

namespace limber::tool {
namespace {

// %N: the program's name. Words that readline cuts at '=' (--split=test) are put together again. Options are offered
// once a '-' is typed, everything else as a positional: sub-commands where there are any, else files.
constexpr const char* kScript =
    R"sh(# bash completion of %N, written from the command's own description. SPDX-License-Identifier: Apache-2.0
_%N() {
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
  local path=%N commands="" options="" values="" word
  if [[ $current == = ]]; then
    current=""
  elif [[ $previous == = ]]; then
    previous=${COMP_WORDS[COMP_CWORD - 2]}
  fi
  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$path $word" in
%PATHS
    esac
  done
  case $path in
%COMMANDS
  esac
  COMPREPLY=()
  case "$path $previous" in
%VALUES
    *)
      if [[ $current == -* ]]; then
        values=$options
      elif [[ -n $commands ]]; then
        values=$commands
      fi ;;
  esac
  if [[ -n $values ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$values" -- "$current")
  else
    compopt -o filenames 2>/dev/null
    mapfile -t COMPREPLY < <(compgen -f -- "$current")
  fi
}
complete -F _%N %N
)sh";

void replace(std::string& text, const std::string& what, const std::string& with) {
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size()))
    text.replace(at, what.size(), with);
}

void collect(const CommandDescription& command, std::string& paths, std::string& commands, std::string& values) {
  std::string below, options, any, none;
  for (const CommandDescription& one : command.commands) {
    below += (below.empty() ? "" : " ") + one.name.substr(command.name.size() + 1);
    paths += fmt::format("{}\"{}\"", paths.empty() ? "      " : " | ", one.name);
  }
  for (const OptionDescription& option : command.options) {
    if (option.positional) continue;
    std::string pattern;
    for (const std::string& name : option.names) {
      options += (options.empty() ? "" : " ") + name;
      pattern += fmt::format("{}\"{} {}\"", pattern.empty() ? "" : " | ", command.name, name);
    }
    if (!option.takes_value) continue;
    if (!option.values.empty()) {
      std::string list;
      for (const std::string& value : option.values) list += (list.empty() ? "" : " ") + value;
      values += fmt::format("    {}) values=\"{}\" ;;\n", pattern, list);
    } else {
      std::string& kind = option.takes_number ? none : any;
      kind += (kind.empty() ? "" : " | ") + pattern;
    }
  }
  commands += fmt::format("    \"{}\") commands=\"{}\" options=\"{}\" ;;\n", command.name, below, options);
  if (!none.empty()) values += fmt::format("    {}) return ;;\n", none);
  if (!any.empty()) values += fmt::format("    {}) ;;\n", any);
  for (const CommandDescription& one : command.commands) collect(one, paths, commands, values);
}

}  // namespace

std::string bash_completion(const CommandDescription& command) {
  std::string paths, commands, values, script = kScript;
  collect(command, paths, commands, values);
  paths += paths.empty() ? "      *) ;;" : ") path+=\" $word\" ;;";
  if (!commands.empty()) commands.pop_back();
  if (!values.empty()) values.pop_back();
  replace(script, "%PATHS", paths);
  replace(script, "%COMMANDS", commands);
  replace(script, "%VALUES", values);
  replace(script, "%N", command.name);
  return script;
}

}  // namespace limber::tool
