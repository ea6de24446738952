// SPDX-License-Identifier: Apache-2.0
// Which application gets what: the slow level of the manager for sessions, without sockets, clocks or a platform.
// Layer: server.
//
// The fast level, a member for each frame or part of one, is the application's own (manager/policy.h): it sees its
// deadline. Here it gets cores, a clock and the members between which it may choose. Division is by the manager
// (manager/division.h) on the applications' tables, corrected by their reports. One thread at a time; a division takes
// about a millisecond for eight applications.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "manager/confidence.h"
#include "manager/division.h"
#include "server/protocol.h"

namespace limber::server {

struct ArbitratedProcessor {
  ManagedProcessor tables;  // idle_w is not needed
  std::vector<int> cpus;    // logical, in the order of its cores
  double capacity = 0;      // of one core; 0: not known, as all others
};

class Arbitration {
 public:
  static constexpr double kDivideMs = 1000;    // between two divisions without a reason
  static constexpr double kHurryMs = 100;      // between two because of late frames
  static constexpr std::size_t kRecent = 100;  // frames that the share of met deadlines is over

  // At least one processor.
  explicit Arbitration(std::vector<ArbitratedProcessor> processors);

  // Ids are the caller's. Fails with kInvalidArgument naming what does not fit these processors.
  void add(int id, const OpenSession& open);
  void remove(int id);
  void retarget(int id, const Target& target);
  void report(int id, const std::vector<FrameReport>& frames);
  void look(const SystemView& view);

  // Divides anew where there is a reason; true: it did, and anything may have changed.
  bool divide(double now_ms);

  // Of the last division; session and serial are the caller's to fill in.
  Assignment assignment(int id) const;
  const std::vector<ClockOrder>& clocks() const { return clocks_; }
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
    ManagedApplication tables;
    WorkEstimate estimate;
    ConfidenceEstimate confidence;
    std::vector<ManagedMember> members;  // as given; tables' are below every floor where they are not sure enough
    ApplicationShare share;
    Record record;
    std::vector<bool> recent;
    std::size_t next = 0;
  };
  void add_options(const SessionOption& option, App* app) const;
  void keep_places(const std::map<int, ApplicationShare>& before);
  double load_of(std::size_t processor, const std::vector<int>& cores) const;
  void set_clocks();
  bool foreign(std::size_t processor) const;
  std::size_t point_of(const App& app) const;
  std::string reason(const App& app, const Assignment& assignment) const;
  std::string neighbours(const App& app) const;

  std::vector<ArbitratedProcessor> processors_;
  std::vector<bool> available_;
  std::vector<std::size_t> highest_;
  std::vector<std::vector<double>> others_;  // of each core, as the last division was told
  std::map<int, App> apps_;
  std::vector<ClockOrder> clocks_;
  double power_cap_w_;
  double divided_ms_ = -1e9;
  bool due_ = false, late_ = false;
};

}  // namespace limber::server
