// SPDX-License-Identifier: Apache-2.0
// Which application gets what: the manager (manager/resource_manager.h) for sessions, without sockets, clocks or a
// platform. Layer: server.
//
// Sessions that announce their frames get an order for each, as in the simulator. The others get cores, a clock and the
// members between which they may choose, and say afterwards what became of each frame. Times are milliseconds of one
// clock of the caller's. One thread at a time; a division takes about a millisecond for eight applications, a frame's
// order some ten microseconds.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "manager/resource_manager.h"
#include "server/protocol.h"

namespace limber::server {

struct ArbitratedProcessor {
  ManagedProcessor tables;     // idle_w and core_w in watts, or both empty
  std::vector<double> core_w;  // what one busy core takes beyond idle_w, at each point
  std::vector<int> cpus;       // logical, in the order of its cores
  double capacity = 0;         // of one core; 0: not known, as all others
};

class Arbitration {
 public:
  static constexpr std::size_t kRecent = 100;  // frames that the share of met deadlines is over
  static constexpr double kLostMs = 1000;      // after its deadline, or ten of them: a frame that will never be ended

  // At least one processor. Where one has no watts, costs are shares of what its cores take at their highest clock:
  // an order of preference, no energy.
  explicit Arbitration(std::vector<ArbitratedProcessor> processors);

  // Ids are the caller's. Fails with kInvalidArgument naming what does not fit these processors.
  void add(int id, const OpenSession& open, double now_ms);
  void remove(int id, double now_ms);
  void retarget(int id, const Target& target, double now_ms);
  void look(const SystemView& view) { manager_.look(view); }
  // Divides anew where there is a reason; true: since the last call it was done, and anything may have changed.
  bool divide(double now_ms);

  // A frame begins; one of the session's that still ran is given up. The answer's session is the caller's to fill in.
  FrameOrdered begin(int id, const FrameBegins& frame, double now_ms);
  void report(int id, const std::vector<FrameReport>& frames, double now_ms);
  // The next point in time at which check() has something to do: a frame may need more, or is lost; infinity: none.
  double next_check_ms() const;
  void check(double now_ms);
  // False: the processor's clock cannot be set after all, so that there is nothing to order for single frames.
  // True: it is news.
  bool set_clock_obeys(std::size_t processor, bool obeys, double now_ms);

  // Of the last division; session and serial are the caller's to fill in.
  Assignment assignment(int id) const;
  const std::vector<ClockOrder>& clocks() const { return manager_.clocks(); }
  const std::vector<ArbitratedProcessor>& processors() const { return processors_; }

  struct Record {
    int64_t frames = 0, met = 0;
    double met_lately = 1;  // share of the last kRecent
    double elapsed_ms = 0;  // of the last frame
    double slowdown = 1;    // of work against its table
    int member = -1;        // that answered last
  };
  Record record(int id) const;
  std::vector<std::string> member_names(int id) const;

 private:
  struct App {
    bool asks = false;  // its session can announce frames
    Record record;
    std::vector<bool> recent;
    std::size_t next = 0;
    // Of the announced frame that runs; 0: none does.
    int64_t frame = 0;
    double check_ms = 0, lost_ms = 0, option_ms = 0;  // option_ms: of the ordered member, at the highest clock
  };
  void add_options(const SessionOption& option, ManagedApplication* application) const;
  void count(App* app, const FrameReport& frame);
  bool announces(int id) const;
  std::string reason(int id, const Assignment& assignment) const;
  std::string neighbours(int id) const;

  std::vector<ArbitratedProcessor> processors_;
  std::vector<bool> obeys_;
  ResourceManager manager_;
  std::map<int, App> apps_;
  int64_t divisions_ = 0;
};

}  // namespace limber::server
