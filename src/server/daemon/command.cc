// SPDX-License-Identifier: Apache-2.0
#include "server/daemon/command.h"

namespace limber::server {

void add_daemon_options(CLI::App& app, DaemonArguments& arguments) {
  DaemonSettings& settings = arguments.settings;
  app.name("limberd");
  app.description("limberd divides this device's cores, clocks and time among applications of Limber.");
  app.set_version_flag("--version", "limberd " LIMBER_VERSION);
  app.footer("Example: limberd --group limber --boost nice=-5\nIn the foreground, until SIGTERM; docs/daemon.md.");
  app.add_option("--socket", settings.socket, "where applications reach it; default: $LIMBERD_SOCKET, else")
      ->capture_default_str();
  app.add_option("--state", settings.state, "what is to be put back after a crash; default: beside the socket");
  app.add_option("--group", settings.group, "whose members may use the socket; default: the starter's group");
  app.add_option("--user", settings.user, "as root: who the daemon runs as; default: limber, else nobody");
  app.add_option(
         "--boost", arguments.boost,
         "of managed applications beside others: nice=N, weight=N (cgroup), off, or auto: what is allowed and helps")
      ->capture_default_str();
  app.add_flag("--despite-managers", settings.despite_managers,
               "set clocks even where power-profiles-daemon, tuned or the like does");
  app.add_option("--board", settings.board,
                 "what this machine's processors take, by name or file (limber calibrate board): watts to decide by");
  app.add_option("--power-cap", settings.power_cap_w, "with --board: watts of all processors that plans keep below")
      ->check(CLI::Range(0.001, 1e6));
  app.add_option("--thermal-cap", settings.thermal_cap_c, "degrees Celsius that plans keep below")
      ->check(CLI::Range(20.0, 150.0));
  app.add_option("--sysfs-root", settings.sysfs_root, "another machine's files instead of this one's, for tests");
}

}  // namespace limber::server
