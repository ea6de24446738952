// SPDX-License-Identifier: Apache-2.0
// This machine, or a folder that looks like one, to be measured. Layer: tool.
#pragma once
#include <string>
#include <vector>

#include "platform/busy_cores.h"
#include "platform/linux/cpu_load.h"
#include "platform/linux/real_fs.h"
#include "platform/linux/restore_log.h"
#include "platform/linux/thermal.h"
#include "platform/measure_board.h"
#include "tool/calibrate/board_meter.h"

namespace limber::tool {

struct LinuxMachineOptions {
  std::string root;        // RealFs's; "": this machine
  std::string state_file;  // RestoreLog's; "": default_state_file(), none for another root
  std::vector<int> cpus;   // to load; of one processor
  std::vector<int64_t> khz;
  MeterWish meter;
};

// /run's for root, where no other user writes and a reboot clears it.
std::string default_state_file();

// Clocks through their limits, put back at the end; after a SIGKILL by the next one with the same state file. An
// interrupt (Ctrl-C) makes the next wait fail, so that this happens then, too.
class LinuxMachine {
 public:
  // Fails with kUnsupported or kInvalidArgument saying what the machine lacks: a clock of these CPUs, a list of
  // frequencies (then `khz` has to name them), a meter; where another program sets clocks; as RestoreLog does.
  explicit LinuxMachine(const LinuxMachineOptions& options);
  ~LinuxMachine();
  LinuxMachine(const LinuxMachine&) = delete;
  LinuxMachine& operator=(const LinuxMachine&) = delete;

  // Refers to this object. `processor` is what the machine calls it.
  const MeasuredMachine& machine() const { return machine_; }
  const BoardMeter& meter() const { return meter_; }
  // What a killed predecessor had left changed and is put back: how many settings, and what was not.
  const RestoreLog::Report& taken_over() const { return taken_over_; }

 private:
  std::size_t find_processor() const;
  void find_points();
  void watch_heat();
  void set_khz(int64_t khz);
  int64_t khz_now() const;
  double busy();
  void wait(double seconds);

  LinuxMachineOptions options_;
  RealFs fs_;
  RestoreLog log_;
  RestoreLog::Report taken_over_;
  std::vector<LinuxProcessor> processors_;
  std::size_t index_;
  std::vector<ClockDomain> domains_;  // of the CPUs to load
  BoardMeter meter_;
  BusyCores load_;
  CpuLoad counted_;
  std::vector<ThermalZone> zones_;
  int64_t asked_khz_ = 0;
  MeasuredMachine machine_;
};

}  // namespace limber::tool
