// SPDX-License-Identifier: Apache-2.0
// What a service tells systemd: READY=1 and the like, one datagram to $NOTIFY_SOCKET (sd_notify(3) documents it as a
// stable protocol, so no library is needed). Layer: server.
#pragma once
#include <string>

namespace limber::server {

// False where nobody listens, which is no error.
bool notify_service_manager(const std::string& state);

}  // namespace limber::server
