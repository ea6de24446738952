// SPDX-License-Identifier: Apache-2.0
// What a command line says of itself, as plain data: the one source of manual pages and shell completions. Layer: tool.
#pragma once
#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace limber::tool {

struct OptionDescription {
  std::vector<std::string> names;  // "-o", "--output"; of a positional only its name
  bool positional = false, required = false, repeated = false;
  bool takes_value = false, takes_number = false;
  std::string type;                 // of the value, e.g. TEXT
  std::string legal;                // in words, e.g. "INT in [1 - 64]"; empty: anything of the type
  std::vector<std::string> values;  // all legal ones, where they can be listed
  std::string initial, text;        // the default and what the option does
};

struct CommandDescription {
  std::string name;  // with those above it, e.g. "limber calibrate norms"
  std::string text, footer;
  std::vector<OptionDescription> options;  // positionals first
  std::vector<CommandDescription> commands;
};

CommandDescription describe(const CLI::App& app, const std::string& above = "");

// A manual page: man(7) macros, which groff and mandoc format. `section` as in limberd(8).
std::string man_page(const CommandDescription& command, int section, const std::string& version);

// A script that teaches bash the sub-commands, the options, their legal values, and files where a value may be one.
std::string bash_completion(const CommandDescription& command);

}  // namespace limber::tool
