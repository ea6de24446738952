// SPDX-License-Identifier: Apache-2.0
// `limber calibrate`: from measurements to numbers that a model or a board is used with.
#include "tool/command.h"

#include "tool/calibrate/subcommands.h"

namespace limber::tool {

void add_calibrate_command(CLI::App& app) {
  CLI::App* command =
      app.add_subcommand("calibrate", "fit a model to its data (norms), a board to measurements (board)");
  command->require_subcommand(1);
  add_calibrate_norms(*command);
  add_calibrate_board(*command);
}

}  // namespace limber::tool
