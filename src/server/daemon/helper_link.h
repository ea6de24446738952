// SPDX-License-Identifier: Apache-2.0
// limberd's end of the line to its helper: the helper's verbs as calls. Layer: server.
#pragma once
#include <string>
#include <vector>

#include "platform/linux/linux_platform.h"
#include "server/packet_socket.h"

namespace limber::server {

// A call waits for the reply, at most kPatienceMs; a helper that does not answer is given up. Never throws: without a
// helper outcomes say so. One thread at a time.
class HelperLink {
 public:
  static constexpr int kPatienceMs = 1000;

  void attach(Descriptor socket) { socket_ = std::move(socket); }
  bool there() const { return static_cast<bool>(socket_); }
  int fd() const { return socket_.get(); }
  void drop() { socket_.reset(); }

  Outcome set_clock(std::size_t processor, const ClockRequest& request);
  Outcome set_affinity(int pid, int tid, const std::vector<int>& cpus);
  Outcome set_nice(int pid, int tid, int nice);
  Outcome set_clamps(int pid, int tid, int low, int high);
  Outcome set_weight(int pid, int weight);
  // Puts back what was set of these threads, and of the process's control group.
  Outcome forget(int pid, const std::vector<int>& tids, bool group);
  // Processes whose load is not others'. An empty view where there is no helper.
  PlatformView view(const std::vector<int>& own);
  std::string state();  // JSON of knobs, monitors and other managers; "{}" without a helper

 private:
  std::string call(const std::string& request);  // "": there is no helper
  Outcome order(const std::string& request);

  Descriptor socket_;
};

}  // namespace limber::server
