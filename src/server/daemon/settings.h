// SPDX-License-Identifier: Apache-2.0
// What the administrator asked limberd for. Layer: server.
#pragma once
#include <string>

namespace limber::server {

// How managed applications get their share beside others' work on the same cores.
struct Boost {
  enum class Kind { kOff, kNice, kWeight, kAuto };
  Kind kind = Kind::kOff;
  int value = 0;  // nice -20..19 of the heaviest application; or cgroup weight 1..10000, 100: as others
};

// "auto", "off", "nice=-10", "weight=400". Fails with kInvalidArgument naming what is legal.
Boost parse_boost(const std::string& text);
std::string print_boost(const Boost& boost);

// What "auto" means. Niceness counts only among processes of one control group or, where the kernel groups by login
// session (sched_autogroup_enabled), of one session; a weight counts against everybody, but only in a group at the top
// of the hierarchy. So: the weight where groups are made there, else nice, and nothing without rights. The two values
// stand for the same share of a CPU.
Boost usual_boost(bool root, bool groups_at_top);

// For an application of this weight among others up to `heaviest`: each step of nice is a factor of 1.25 of CPU time
// (the kernel's own table), a cgroup's weight is one already.
int nice_of(const Boost& boost, double weight, double heaviest);
int weight_of(const Boost& boost, double weight, double heaviest);

struct DaemonSettings {
  std::string socket, state;     // files; state: what is to be restored
  std::string user = "", group;  // "": limber where there is such a user, else nobody; the socket's group
  Boost boost;
  std::string board;  // a board file (limber-board) that tells what this machine's processors take; "": none
  double power_cap_w = 0, thermal_cap_c = 0;  // that plans keep below; 0: none
  std::string sysfs_root;                     // another machine's tree instead of this one's; for tests
  bool despite_managers = false;              // set clocks although power-profiles-daemon or the like owns them
};

}  // namespace limber::server
