// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/other_managers.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>

namespace limber {
namespace {

struct Known {
  const char* name;
  const char* comm;  // the kernel keeps 15 characters of a name
  const char* pid_file;
  bool owns;
  const char* what;
};

constexpr std::array<Known, 6> kKnown = {{
    {"power-profiles-daemon", "power-profiles-", "", true,
     "sets governor and energy preference by its profile; systemctl stop power-profiles-daemon while Limber manages"},
    {"tuned", "tuned", "/run/tuned/tuned.pid", true,
     "sets governors and limits by its profile; systemctl stop tuned (and tuned-ppd) while Limber manages"},
    {"auto-cpufreq", "auto-cpufreq", "", true,
     "sets governors and limits every few seconds; systemctl stop auto-cpufreq while Limber manages"},
    {"thermald", "thermald", "/run/thermald/thermald.pid", false,
     "lowers limits when the machine gets hot; Limber sees it as points that are out of reach"},
    {"gamemode", "gamemoded", "", false, "sets the governor while a game has asked for it; do not use both at once"},
    {"nvpmodel", "nvpmodel", "", false,
     "its power mode limits clocks and cores at boot; Limber stays within; nvpmodel -q shows it, nvpmodel -m 0 lifts "
     "it"},
}};

}  // namespace

std::vector<OtherManager> find_other_managers(const Fs& fs) {
  std::vector<std::string> running;
  for (const std::string& pid : fs.list("/proc").names)
    if (parse_integer(pid)) running.push_back(fs.read(fmt::format("/proc/{}/comm", pid)).text);
  std::vector<OtherManager> managers;
  for (const Known& known : kKnown) {
    bool found = std::find(running.begin(), running.end(), known.comm) != running.end();
    if (!found && *known.pid_file != 0) {  // an interpreter's name hides a program's
      const auto pid = read_integer(fs, known.pid_file);
      found = pid && fs.exists(fmt::format("/proc/{}", *pid));
    }
    std::string what = known.what;
    if (const FsText mode = fs.read("/var/lib/nvpmodel/status"); std::string(known.name) == "nvpmodel" && mode.ok()) {
      found = true;
      what = fmt::format("{} ({})", what, mode.text);
    }
    if (found) managers.push_back({known.name, known.owns, what});
  }
  return managers;
}

}  // namespace limber
