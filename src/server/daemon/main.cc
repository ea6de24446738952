// SPDX-License-Identifier: Apache-2.0
// limberd: the runtime resource manager of a device. Layer: server.
#include <CLI/CLI.hpp>

#include "base/error.h"
#include "formats/shipped_file.h"
#include "platform/simulated/board.h"
#include "server/daemon/log.h"
#include "server/daemon/supervisor.h"
#include "server/packet_socket.h"

int main(int argc, char** argv) {
  using namespace limber::server;
  DaemonSettings settings;
  settings.socket = default_socket();
  std::string boost = "auto";
  CLI::App app("limberd divides this device's cores, clocks and time among applications of Limber.", "limberd");
  app.set_version_flag("--version", "limberd " LIMBER_VERSION);
  app.footer("Example: limberd --group limber --boost nice=-5\nIn the foreground, until SIGTERM; docs/daemon.md.");
  app.add_option("--socket", settings.socket, "where applications reach it; default: $LIMBERD_SOCKET, else")
      ->capture_default_str();
  app.add_option("--state", settings.state, "what is to be put back after a crash; default: beside the socket");
  app.add_option("--group", settings.group, "whose members may use the socket; default: the starter's group");
  app.add_option("--user", settings.user, "as root: who the daemon runs as; default: limber, else nobody");
  app.add_option(
         "--boost", boost,
         "of managed applications beside others: nice=N, weight=N (cgroup), off, or auto: what is allowed and helps")
      ->capture_default_str();
  app.add_flag("--despite-managers", settings.despite_managers,
               "set clocks even where power-profiles-daemon, tuned or the like does");
  app.add_option("--board", settings.board,
                 "what this machine's processors take, by name or file (limber calibrate board): watts to decide by");
  app.add_option("--power-cap", settings.power_cap_w, "with --board: watts of all processors that plans keep below")
      ->check(CLI::PositiveNumber);
  app.add_option("--thermal-cap", settings.thermal_cap_c, "degrees Celsius that plans keep below")
      ->check(CLI::Range(20.0, 150.0));
  app.add_option("--sysfs-root", settings.sysfs_root, "another machine's files instead of this one's, for tests");
  try {
    app.parse(argc, argv);
    if (settings.state.empty()) settings.state = settings.socket + ".state";
    settings.boost = parse_boost(boost);
    if (settings.power_cap_w > 0 && settings.board.empty())
      limber::fail(limber::ErrorCode::kInvalidArgument,
                   "--power-cap {}: nobody knows what this machine takes; name its --board", settings.power_cap_w);
    if (!settings.board.empty()) {
      settings.board = limber::find_shipped_file("boards", settings.board);
      limber::read_board(settings.board);  // said here, and not by a daemon that does not start
    }
    return supervise(settings);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  } catch (const std::exception& error) {
    log("error: {}", error.what());
  }
  return 1;
}
