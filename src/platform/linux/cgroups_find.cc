// SPDX-License-Identifier: Apache-2.0
// Which controllers there are, and what is missing for the others.
#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "platform/linux/cgroups.h"

namespace limber {
namespace {

constexpr const char* kRoot = "/sys/fs/cgroup";

struct What {
  Cgroups::Controller controller;
  const char *knob, *controller_2, *subsystem_1, *file_1, *range;
};
constexpr std::array<What, 3> kWhat = {{
    {Cgroups::Controller::kWeight, "share of an application (cgroup)", "cpu", "cpu", "cpu.shares",
     "1..10000, 100 as others"},
    {Cgroups::Controller::kQuota, "quota of an application (cgroup)", "cpu", "cpu", "cpu.cfs_quota_us",
     "CPUs, in periods of 1..1000 ms"},
    {Cgroups::Controller::kCpus, "CPUs of an application (cgroup)", "cpuset", "cpuset", "cpuset.cpus", "sets of CPUs"},
}};

bool holds(const std::string& text, const std::string& word) {
  const auto words = parse_words(text);
  return std::find(words.begin(), words.end(), word) != words.end();
}

}  // namespace

// "/" or "/user.slice/..." of this process in a version 1 subsystem, or in version 2 for "".
std::string Cgroups::own_path(const std::string& subsystem) const {
  const std::string text = fs_.read("/proc/self/cgroup").text;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    const std::string line = text.substr(at, end - at);  // 3:cpuset:/ or 0::/
    at = end + 1;
    const size_t first = line.find(':'), second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    std::string names = line.substr(first + 1, second - first - 1);
    std::replace(names.begin(), names.end(), ',', ' ');
    if (subsystem.empty() ? names.empty() : holds(names, subsystem)) return line.substr(second + 1);
  }
  return "/";
}

Cgroups::Cgroups(const Fs& fs) : fs_(fs) {
  std::string unified = kRoot;
  if (!fs.exists(unified + "/cgroup.controllers")) unified += "/unified";
  const bool mounted = fs.exists(unified + "/cgroup.controllers");
  std::string own = unified + own_path("");
  while (own.back() == '/') own.pop_back();
  if (mounted && !fs.exists(own + "/cgroup.controllers")) own = unified;  // in a container the path is the host's
  for (const What& what : kWhat) {
    Place& place = places_[what.controller];
    place.knob.name = what.knob;
    place.knob.range = what.range;
    if (mounted && holds(fs.read(own + "/cgroup.controllers").text, what.controller_2)) {
      place.version = 2;
      place.parent = own;
      place.knob.supported = true;
      const bool ready = holds(fs.read(own + "/cgroup.subtree_control").text, what.controller_2);
      if (!fs.writable(own) || (!ready && !fs.writable(own + "/cgroup.subtree_control")))
        place.knob.reason = fmt::format(
            "{}: not this user's; run Limber's daemon as a systemd service with Delegate=yes, or as root", own);
      else if (!ready && own != unified && !fs.read(own + "/cgroup.procs").text.empty())
        place.knob.reason = fmt::format(
            "{}: it holds processes, so '{}' cannot be handed down to groups below it; start Limber's daemon in a "
            "sub-group "
            "(systemd: DelegateSubgroup=)",
            own, what.controller_2);
      else
        place.knob.writable = true;
      continue;
    }
    find_version_1(what.controller, what.subsystem_1, what.file_1);
    if (place.version != 0) continue;
    if (mounted)
      place.knob.reason = fmt::format(
          "the controller '{}' is not in {}/cgroup.controllers: write '+{}' to cgroup.subtree_control of the groups "
          "above, "
          "or start a systemd service with Delegate=yes",
          what.controller_2, own, what.controller_2);
    else
      place.knob.reason = fmt::format("no control groups in {}", kRoot);
  }
}

void Cgroups::find_version_1(Controller controller, const char* subsystem, const char* file) {
  Place& place = places_[controller];
  for (const std::string& name : fs_.list(kRoot).names) {
    std::string subsystems = name;  // "cpu,cpuacct"
    std::replace(subsystems.begin(), subsystems.end(), ',', ' ');
    if (!holds(subsystems, subsystem)) continue;
    const std::string root = fmt::format("{}/{}", kRoot, name);
    std::string own = root + own_path(subsystem);
    while (own.back() == '/') own.pop_back();
    if (!fs_.exists(own)) own = root;
    // The topmost group of some has no quota, those below do.
    if (!fs_.exists(own + "/" + file) && !fs_.exists(own + "/cgroup.procs")) continue;
    place.version = 1;
    place.parent = own;
    place.knob.supported = true;
    place.knob.writable = fs_.writable(own);
    if (!place.knob.writable) place.knob.reason = explain(own, EACCES);
    return;
  }
}

}  // namespace limber
