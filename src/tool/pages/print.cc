// SPDX-License-Identifier: Apache-2.0
// `limber --print PAGE`: manual pages and shell completions, when Limber is built; cmake --install puts them in place.
#include "server/daemon/command.h"
#include "tool/command.h"
#include "tool/pages/description.h"

namespace limber::tool {
namespace {

std::string page(const CLI::App& app, const std::string& name) {
  const std::string version = "Limber " LIMBER_VERSION;
  if (name == "limber.1") return man_page(describe(app), 1, version);
  if (name == "limber.bash") return bash_completion(describe(app));
  server::DaemonArguments arguments;
  arguments.settings.socket = "/run/limber/limberd.sock";  // not that of whoever builds
  CLI::App daemon;
  server::add_daemon_options(daemon, arguments);
  return name == "limberd.8" ? man_page(describe(daemon), 8, version) : bash_completion(describe(daemon));
}

}  // namespace

void add_print_option(CLI::App& app) {
  app.add_option_function<std::string>(
         "--print",
         [&app](const std::string& name) {
           fmt::print("{}", page(app, name));
           throw CLI::Success();
         },
         "write a manual page or a shell's completions and exit")
      ->check(CLI::IsMember({"limber.1", "limberd.8", "limber.bash", "limberd.bash"}))
      ->trigger_on_parse();
}

}  // namespace limber::tool
