// SPDX-License-Identifier: Apache-2.0
// System policies: member, processor, cores and clocks for all applications of a device together. Layer: manager.
//
// Plain functions of what they are told: no clock, no platform, no threads. Whoever drives one (the simulator, limberd,
// a test) tells it what happened and when, and does what it orders; the same calls give the same orders.
// Times are milliseconds on one clock of the driver's choice, power is watts.
#pragma once
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace limber {

// Cores that share a clock, as the manager knows them.
struct ManagedProcessor {
  std::string name;            // "A15", "gpu"
  bool cpu = true;             // false: jobs run on it as a whole, one after the other
  int cores = 1;               // 1 where it is no CPU
  std::vector<int64_t> khz;    // operating points, ascending; {0}: the clock is not ours to choose
  std::vector<double> idle_w;  // at each point with nothing to do; zeros: not known
  double switch_ms = 0;        // from the order until a new point holds
};

struct ManagedMember {
  std::string name;
  double accuracy = 0;  // 0..1
};

// One member on so many cores of one processor, as profiled: the median time of a frame, and what it takes beyond
// idle_w while it runs (0: not known), at each point of the processor.
struct ManagedOption {
  int member = 0;
  std::size_t processor = 0;
  int cores = 1;
  std::vector<double> ms, busy_w;
};

// What an application asks for.
struct Target {
  double deadline_ms = 0;  // from a frame's arrival
  double rate_hz = 0;      // frames a second, on average
  // Nine of ten frames shall be answered after this share of the deadline already.
  double aim = 1;
  double accuracy = 0;    // floor, 0..1; members below it are for frames that no other can serve
  double confidence = 0;  // the same for how sure answers are, 0..1 on average, as FrameEnd reports it; 0: not asked
  double weight = 1;
  bool prefer_accuracy = false;  // the most accurate member in time, instead of the one of least energy
  double energy_mj = std::numeric_limits<double>::infinity();  // of a frame, at most
};

struct ManagedApplication {
  std::string name;
  std::vector<ManagedMember> members;  // ascending in cost
  std::vector<ManagedOption> options;
  Target target;
};

struct FrameStart {
  double now_ms = 0;
  double deadline_ms = 0;  // a point in time
  // Of the frames that wait behind it (an oracle's: that will have come by its deadline), in order; points in time.
  std::vector<double> waiting_ms;
  double work = 0;  // an oracle's knowledge: how much more work than the profile's median it is; 0: not known
};

constexpr std::size_t kAnyProcessor = std::numeric_limits<std::size_t>::max();

// What runs for a frame, and where.
struct FrameOrder {
  int member = 0;
  std::size_t processor = kAnyProcessor;  // kAnyProcessor: the system's scheduler chooses among all CPUs
  int threads = 1;
  std::vector<int> cores;  // of the processor, counted from 0; empty: any of it
  double clamp_min = 0;    // uclamp, 0..1024
  double expected_ms = 0;  // that it will take, clocks as planned; 0: nobody can tell
  double check_at_ms = 0;  // a point in time; above 0: call frame_checked() then if it still runs
  std::string reason;      // one line for people
};

struct FrameEnd {
  double now_ms = 0;
  bool met = false;
  bool finished = true;    // false: given up halfway (its processor is gone, or the application)
  double confidence = -1;  // of its answer (the softmax's largest probability), 0..1; below 0: not known
  // How much of the ordered member's work was done, as its table counts it: less where a smaller one answered a part.
  double done = 1;
};

// What is asked of a processor's clock.
struct ClockOrder {
  enum class Kind { kGovernor, kFixed, kAtLeast };
  Kind kind = Kind::kGovernor;
  std::string governor;   // kGovernor; empty: the system's own, as found
  std::size_t point = 0;  // kFixed: this point; kAtLeast: the system's own governor, not below this point
  bool operator==(const ClockOrder&) const = default;
};

// What monitors show, once in a while.
struct SystemView {
  double now_ms = 0;
  struct Processor {
    bool available = true;
    std::size_t highest = std::numeric_limits<std::size_t>::max();  // that heat and others' limits leave
    std::size_t point = 0;                                          // at which it runs now
    std::vector<double> others;  // of each core: the share of its time lately that others used, 0..1
    double power_w = -1;         // mean since the last view; below 0: no sensor sees it alone
  };
  std::vector<Processor> processors;
  double power_w = -1;    // of the whole device, the mean since the last view; below 0: no sensor
  double celsius = -300;  // below -273: no sensor
  double cap_c = std::numeric_limits<double>::infinity();  // the device shall stay below
  double cap_w = std::numeric_limits<double>::infinity();
};

class SystemPolicy {
 public:
  virtual ~SystemPolicy() = default;

  // Ids are the driver's. Fails with kInvalidArgument on tables that do not fit the processors.
  virtual void add(int id, const ManagedApplication& application, double now_ms) = 0;
  virtual void remove(int id, double now_ms) = 0;
  virtual void retarget(int id, const Target& target, double now_ms) = 0;

  // One frame of an application at a time.
  virtual FrameOrder frame_begins(int id, const FrameStart& start) = 0;
  // While it runs: these frames (deadlines, in order) wait behind it now.
  virtual void frame_waits(int /*id*/, double /*now_ms*/, const std::vector<double>& /*waiting_ms*/) {}
  virtual void frame_checked(int /*id*/, double /*now_ms*/) {}
  virtual void frame_ends(int id, const FrameEnd& end) = 0;

  // Every view_ms() milliseconds.
  virtual double view_ms() const { return 100; }
  virtual void look(const SystemView& view) = 0;

  // What holds for each processor's clock from now on; may change with every call of the above.
  virtual const std::vector<ClockOrder>& clocks() const = 0;
};

}  // namespace limber
