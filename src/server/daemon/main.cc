// SPDX-License-Identifier: Apache-2.0
// limberd: the runtime resource manager of a device. Layer: server.
#include "base/error.h"
#include "formats/shipped_file.h"
#include "platform/simulated/board.h"
#include "server/daemon/command.h"
#include "server/daemon/log.h"
#include "server/daemon/supervisor.h"
#include "server/packet_socket.h"
#include "server/program.h"

int main(int argc, char** argv) {
  using namespace limber::server;
  hold_standard_streams();
  DaemonArguments arguments;
  DaemonSettings& settings = arguments.settings;
  settings.socket = default_socket();
  CLI::App app;
  add_daemon_options(app, arguments);
  refuse_odd_values(app);
  try {
    app.parse(argc, argv);
    if (settings.state.empty()) settings.state = settings.socket + ".state";
    settings.boost = parse_boost(arguments.boost);
    if (settings.power_cap_w > 0 && settings.board.empty())
      limber::fail(limber::ErrorCode::kInvalidArgument,
                   "--power-cap {}: nobody knows what this machine takes; name its --board", settings.power_cap_w);
    if (!settings.board.empty()) {
      settings.board = limber::find_shipped_file("boards", settings.board);
      limber::read_board(settings.board);  // said here, and not by a daemon that does not start
    }
    return supervise(settings);
  } catch (const CLI::ParseError& error) {
    return after_output("limberd", app.exit(error) == 0 ? 0 : 2);
  } catch (const std::exception& error) {
    log("error: {}", error.what());
  }
  return 1;
}
