// SPDX-License-Identifier: Apache-2.0
// `limber data get|list`: canonical data sets.
#include "formats/data_set.h"
#include "formats/download.h"
#include "tool/command.h"
#include "tool/download_progress.h"

namespace limber::tool {
namespace {

void get(const std::string& name) {
  const std::string folder = download_data_set(remote_data_set(name), data_cache_directory(), download_progress());
  clear_progress();
  fmt::print("{}\n", folder);
}

void list() {
  for (const RemoteDataSet& set : remote_data_sets()) {
    std::string where;
    try {
      where = find_data_set(set.name);
    } catch (const std::exception&) {
      where = "not here: limber data get " + set.name;
    }
    fmt::print("{:<16} {}\n", set.name, where);
  }
  fmt::print("{:<16} {}\n", "shapes", "generated");
}

}  // namespace

void add_data_command(CLI::App& app) {
  CLI::App* command = app.add_subcommand("data", "canonical data sets: get, list");
  command->require_subcommand(1);
  auto name = std::make_shared<std::string>();
  CLI::App* getter = command->add_subcommand("get", "download a data set, verified; a broken download is continued");
  getter->footer("Example: limber data get fashion-mnist");
  getter->add_option("name", *name, "cifar10, mnist or fashion-mnist")->required();
  getter->callback([name] { get(*name); });
  command->add_subcommand("list", "which data sets are here, and where")->callback(list);
}

}  // namespace limber::tool
