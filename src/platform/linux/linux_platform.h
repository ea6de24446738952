// SPDX-License-Identifier: Apache-2.0
// A Linux machine as the manager sees it: processors, knobs, monitors. Layer: platform.
//
// What is there is found once, at the start; what it shows is read at each call. Nothing that the kernel refuses is
// thrown: setters return what happened. Everything that was changed is put back by restore() or the destructor, and
// with a state file by the next LinuxPlatform after a crash. Not thread-safe.
#pragma once
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "platform/linux/cgroups.h"
#include "platform/linux/cpu_load.h"
#include "platform/linux/other_managers.h"
#include "platform/linux/power_meter.h"
#include "platform/linux/processors.h"
#include "platform/linux/restore_log.h"
#include "platform/linux/thermal.h"

namespace limber {

struct LinuxPlatformOptions {
  std::string state_file;         // see RestoreLog; "": nothing survives a crash
  std::string power_from;         // see ExternalMeter; "": the machine's own sensors
  bool despite_managers = false;  // set clocks even where another manager owns them
};

// What is asked of a processor's clock; the manager's ClockOrder, field by field.
struct ClockRequest {
  enum class Kind { kGovernor, kFixed, kAtLeast };
  Kind kind = Kind::kGovernor;
  std::string governor;   // kGovernor; empty: as found
  std::size_t point = 0;  // of LinuxProcessor::khz
};

// What monitors show; the manager's SystemView without the caps.
struct PlatformView {
  struct Processor {
    bool available = true;
    // The last point that heat and others' limits leave.
    std::size_t highest = std::numeric_limits<std::size_t>::max();
    std::size_t point = 0;       // at which it runs now: the last at or below
    std::vector<double> others;  // of each core, in the order of LinuxProcessor::cpus; a core that is off: 1
    double power_w = -1;         // mean since the last view; below 0: no rail that feeds it alone
  };
  std::vector<Processor> processors;
  double power_w = -1;       // mean since the last view; below 0: no sensor
  double celsius = -300;     // of the hottest zone; below -273: no sensor
  bool throttled = false;    // the kernel or the firmware slows down because of heat or voltage now
  double cpu_pressure = -1;  // percent of the last 10 s in which some task waited for a CPU; below 0: not known
};

class LinuxPlatform {
 public:
  // Restores first what a predecessor of that state file left changed. The Fs must outlive the platform. Fails as
  // RestoreLog and ExternalMeter do.
  explicit LinuxPlatform(Fs& fs, const LinuxPlatformOptions& options = {});

  const std::vector<LinuxProcessor>& processors() const { return processors_; }
  const std::vector<OtherManager>& other_managers() const { return managers_; }
  // What a predecessor had left changed.
  const RestoreLog::Report& taken_over() const { return taken_over_; }

  std::vector<Knob> knobs() const;
  // Values included; a counter's power is over the time since the last call of this or view().
  std::vector<Monitor> monitors(int64_t now_ns);

  // Index and point must be legal (kInvalidArgument). Never above the limits that were found: those are the user's.
  Outcome set_clock(std::size_t processor, const ClockRequest& request);
  Cgroups& cgroups() { return cgroups_; }
  RestoreLog& log() { return log_; }  // for task_knobs.h and cgroups

  // Processes and single threads whose load is not others'.
  void set_own(std::vector<int> pids, std::vector<int> tids = {}) { load_.set_own(std::move(pids), std::move(tids)); }
  // Costs about a millisecond on a board: some files a processor, one a thread of ours, and the power sensor's.
  PlatformView view(int64_t now_ns);

  RestoreLog::Report restore() { return log_.restore(); }

 private:
  std::string owner_of_clocks() const;  // why they are not ours to set, or ""
  void read_power(int64_t now_ns, PlatformView* view);
  PlatformView::Processor view_of(std::size_t index, const std::vector<int>& online) const;

  Fs& fs_;
  bool despite_managers_;
  RestoreLog log_;
  RestoreLog::Report taken_over_;
  std::vector<LinuxProcessor> processors_;
  std::vector<OtherManager> managers_;
  Cgroups cgroups_;
  CpuLoad load_;
  std::vector<MissingMeter> no_power_;
  std::vector<std::unique_ptr<PowerMeter>> meters_;
  std::vector<ThermalZone> zones_;
  std::vector<int64_t> asked_khz_;  // of each processor: the upper limit that was last asked for; 0: as found
};

}  // namespace limber
