// SPDX-License-Identifier: Apache-2.0
// The process that limberd is started as: it makes the socket, starts the daemon and its helper, and looks after both.
// Layer: server.
//
//   limberd (supervisor, the starter's rights) -> limberd (daemon, gives its rights up) <-> limberd-helper (keeps them)
//
// If the daemon ends, however it ends, the helper sees it, puts everything back and ends. If the helper ends, another
// one takes over what it had left in the state file. If the supervisor ends, both do.
#pragma once
#include "server/daemon/settings.h"

namespace limber::server {

// Returns the exit code once all is over. Fails (limber::Error) on what can be said before anything is started: an
// unknown user or group, a socket that another one listens at.
int supervise(const DaemonSettings& settings);

}  // namespace limber::server
