// SPDX-License-Identifier: Apache-2.0
// A meter of the user's: a file that holds watts, or a program that prints them, line by line. Layer: platform.
//
// For everything with no sensor of its own: a wall plug, a bench supply, a shunt on another board. A line is a number,
// perhaps with W, mW or uW behind it ("5.13", "5130 mW"); other lines are counted and left out.
#pragma once
#include <memory>
#include <optional>
#include <string>

#include "platform/linux/power_meter.h"

namespace limber {

// Watts of a line; nullopt for what is no number, below 0 or above 100 kW.
std::optional<double> parse_watts(const std::string& line);

class ExternalMeter : public PowerMeter {
 public:
  // `from`: a regular file, read anew each time, or else a command for /bin/sh, kept running in a process group of its
  // own. A command that ends is started again, after 1 s, then 2 s, up to 30 s. Fails with kInvalidArgument on "" and
  // on what can be neither, kIo where no process can be started.
  explicit ExternalMeter(std::string from);
  ~ExternalMeter() override;  // ends the command: SIGTERM, SIGKILL half a second later
  ExternalMeter(const ExternalMeter&) = delete;
  ExternalMeter& operator=(const ExternalMeter&) = delete;

  std::string name() const override { return "external"; }
  // The mean of the lines that came since the last call, or the last one while it is younger than kStaleMs. Does not
  // wait for one.
  PowerReading read(int64_t now_ns) override;
  double period_ms() const override { return 0; }
  double resolution_w() const override { return 0; }
  bool whole_board() const override { return true; }  // as far as we are told

  int garbage() const { return garbage_; }  // lines that were no watts
  int restarts() const { return restarts_; }
  int pid() const { return child_; }  // of the command; -1: a file, or not running now

  static constexpr double kStaleMs = 5000;

 private:
  void start();
  void end_child();
  void take(const std::string& bytes, int64_t now_ns);
  PowerReading read_file();

  std::string from_, partial_, trouble_;
  bool file_ = false;
  int child_ = -1, pipe_ = -1;
  int64_t retry_ns_ = 0, backoff_ns_ = 1'000'000'000;
  double sum_ = 0, last_ = -1;
  int lines_ = 0, garbage_ = 0, restarts_ = 0;
  int64_t last_ns_ = 0;
};

}  // namespace limber
