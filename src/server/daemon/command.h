// SPDX-License-Identifier: Apache-2.0
// limberd's command line, apart from its main, so that its manual is written from it. Layer: server.
#pragma once
#include <CLI/CLI.hpp>
#include <string>

#include "server/daemon/settings.h"

namespace limber::server {

struct DaemonArguments {
  DaemonSettings settings;  // --socket as it is shown as the default; --boost and --board not yet read
  std::string boost = "auto";
};

// Declares limberd's options on `app`. Both must outlive its parsing.
void add_daemon_options(CLI::App& app, DaemonArguments& arguments);

}  // namespace limber::server
