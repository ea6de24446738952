// SPDX-License-Identifier: Apache-2.0
// Control groups: a share, a quota or a set of CPUs for all of an application's threads. Layer: platform.
//
// Version 2 where its controllers are to be had, else the hierarchies of version 1 (old Jetsons). Groups are made below
// this process's own group and named limber-NAME; processes come back to where they were and groups vanish on restore.
// Not thread-safe. The Fs must outlive it.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "platform/linux/restore_log.h"

namespace limber {

class Cgroups {
 public:
  enum class Controller { kWeight, kQuota, kCpus };

  explicit Cgroups(const Fs& fs);

  // 2, 1 or 0 (none is mounted).
  int version(Controller controller) const { return places_.at(controller).version; }
  Knob knob(Controller controller) const { return places_.at(controller).knob; }

  // Where it is or will be; for read_pressure(). "" where there is no such controller.
  std::string folder(Controller controller, const std::string& name) const;

  // The group of an application, made when first needed; a name is letters, digits, '-' and '_' (kInvalidArgument).
  Outcome create(RestoreLog& log, const std::string& name);
  Outcome add_process(RestoreLog& log, const std::string& name, int pid);
  Outcome set_weight(RestoreLog& log, const std::string& name, int weight);  // 1..10000, 100: as others
  // CPU time of all its threads in each period: below 0: no limit. A group that has used it up stands still until the
  // period ends, so the period bounds the delay: 10 ms for 30 frames a second.
  Outcome set_quota(RestoreLog& log, const std::string& name, double cpus, double period_ms = 10);
  Outcome set_cpus(RestoreLog& log, const std::string& name, const std::vector<int>& cpus);
  // All its folders, one a hierarchy; for RestoreLog::restore().
  std::vector<std::string> folders(const std::string& name) const;

 private:
  struct Place {
    int version = 0;
    std::string parent;  // the folder below which groups are made
    Knob knob;
  };
  void find_version_1(Controller controller, const char* subsystem, const char* file);
  std::string group(const Place& place, const std::string& name) const { return place.parent + "/limber-" + name; }
  Outcome need(Controller controller, const std::string& name) const;
  std::string own_path(const std::string& subsystem) const;

  const Fs& fs_;
  std::map<Controller, Place> places_;
};

}  // namespace limber
