// SPDX-License-Identifier: Apache-2.0
// All sessions of limberd, what was decided for them, and the orders that carry it out. Layer: server.
//
// Knows no sockets of clients: whoever drives it passes requests in and assignments out. Times are milliseconds of one
// clock. One thread at a time.
#pragma once
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "server/daemon/arbitration.h"
#include "server/daemon/helper_link.h"
#include "server/daemon/settings.h"

namespace limber::server {

struct SessionState {
  int client = 0, number = 0;  // whose, and how it calls it
  int pid = 0;
  std::string name;
  Target target;
  std::vector<int> threads;
  bool place = false;
  Assignment sent;
  // What holds now, as far as the helper did it.
  std::optional<int> nice, weight, clamp;
  std::vector<int> placed;
  std::vector<int> frame_cpus;  // of the last order for a frame
};

class Sessions {
 public:
  static constexpr std::size_t kMost = 64, kMostOfClient = 8;

  Sessions(std::vector<ArbitratedProcessor> processors, const Boost& boost, HelperLink& helper);

  // Fail with kInvalidArgument on what is not legal, kNotFound on a session that is none.
  void open(int client, int pid, const OpenSession& open, double now_ms);
  void retarget(int client, const NewTarget& target, double now_ms);
  FrameOrdered begin(int client, const FrameBegins& frame, double now_ms);
  void report(int client, const FrameReports& reports, double now_ms);
  void release(int client, int number, double now_ms);
  void release_all(int client, double now_ms);

  // Decides where there is a reason, carries out, and calls `send` for every assignment that changed; false: it could
  // not be sent, and is tried again next time.
  void settle(double now_ms, const std::function<bool(int client, const Assignment&)>& send);
  void look(const SystemView& view) { arbitration_.look(view); }
  // When settle() must be called although nobody said anything; infinity: never.
  double next_check_ms() const { return arbitration_.next_check_ms(); }
  // A new helper knows of nothing that was ordered.
  void order_anew();

  std::vector<int> pids() const;
  const std::map<int, SessionState>& all() const { return sessions_; }
  const Arbitration& arbitration() const { return arbitration_; }
  const std::set<std::string>& refused() const { return refused_; }  // what the helper could not do, and why

 private:
  int find(int client, int number) const;
  void drop(int id, double now_ms);
  void order(SessionState* session, const Assignment& given, double heaviest);
  void order_place(SessionState* session, const std::vector<int>& cpus);
  void order_clocks(double now_ms);
  bool noted(const Outcome& outcome, const std::string& what);

  Arbitration arbitration_;
  Boost boost_;
  HelperLink& helper_;
  std::map<int, SessionState> sessions_;
  std::vector<ClockOrder> clocks_;  // as ordered
  std::vector<bool> clock_refused_;
  std::set<std::string> refused_;
  bool pending_ = false;  // assignments may have changed, or could not be sent
  int next_id_ = 1;
};

}  // namespace limber::server
