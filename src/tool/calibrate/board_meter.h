// SPDX-License-Identifier: Apache-2.0
// The meter that measuring a processor goes by. Layer: tool.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "platform/linux/power_meter.h"
#include "platform/linux/processors.h"

namespace limber::tool {

struct MeterWish {
  std::string power_from;    // see ExternalMeter; "": the machine's own
  std::string rail;          // by its name; "": the one whose name says that it feeds the processor
  bool whole_board = false;  // the meter of all
};

// Watts of one rail, or of a whole meter, as means between two calls. Not thread-safe.
class BoardMeter {
 public:
  // Fails with kUnsupported or kInvalidArgument, naming the rails there are and what to say, where none fits; as
  // ExternalMeter does; kIo where a meter shows nothing within five seconds. The Fs must outlive it.
  BoardMeter(const Fs& fs, const MeterWish& wish, const std::vector<LinuxProcessor>& processors, std::size_t index);

  const std::string& name() const { return name_; }  // for people
  // Others hang on the same rail as well; not asked of a meter of the whole board or of the user's.
  bool shared() const { return shared_; }
  // It sees all that heats the chip, so its watts explain a temperature.
  bool sees_all() const { return sees_all_; }

  // To be called twice a second or oftener: most sensors show the moment. Fails with kIo where the meter fails.
  void sample();
  // Mean since the last call.
  double watts();

 private:
  void find(const Fs& fs, const MeterWish& wish, const std::vector<LinuxProcessor>& processors, std::size_t index);
  // Below 0: none now, with `reason_` set.
  double read();

  std::unique_ptr<PowerMeter> meter_;
  std::string name_, rail_, reason_;
  bool shared_ = false, sees_all_ = true;
  bool means_itself_ = false;  // a command's lines: averaged by the meter
  int64_t last_ns_ = 0;
  double joules_ = 0, seconds_ = 0;
};

}  // namespace limber::tool
