// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/outcome.h"

#include <fmt/core.h>

#include <cerrno>
#include <cstring>

namespace limber {

std::string explain(const std::string& path, int error, const std::string& value) {
  const std::string what =
      value.empty() ? fmt::format("{}: ", path) : fmt::format("{}: '{}' was not accepted: ", path, value);
  switch (error) {
    case 0:
      return "";
    case EACCES:
    case EPERM:
      return what + "no permission; run as root, or give this user the right to write it (a udev rule, or the daemon)";
    case EROFS:
      return what + "read-only here, as in a container; make it writable there, or run on the host";
    case ENOENT:
    case ENODEV:
      return what + "it is not there (any more); a CPU or device that is off takes its files along";
    case EINVAL:
    case ERANGE:
      return what + (value.empty() ? "the kernel shows no value now" : "the kernel takes no such value here");
    case EBUSY:
    case EAGAIN:
      return what + "busy: something else holds it now";
    case ENOSYS:
    case EOPNOTSUPP:
      return what + "this kernel was built without it";
    case ENODATA:
      return what + "no data: this channel is switched off";
    case ESRCH:
      return what + "the thread has ended";
    default:
      return what + std::strerror(error);
  }
}

}  // namespace limber
