// SPDX-License-Identifier: Apache-2.0
// An application's side of limberd: what it may use now, and what became of its frames. Layer: server.
//
// Without limberd, or after its end, the application manages itself: the assignment allows everything and says why.
// Nothing here starts a thread or throws because limberd is not there; update() sees within its
// call that limberd has gone, and looks for a new one every kRetryMs. One thread at a time. A call costs a system call
// or two (microseconds); an assignment that arrives is parsed (tens of microseconds). Only wait() and begin() block.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "server/packet_socket.h"
#include "server/protocol.h"

namespace limber::server {

struct ManagedSettings {
  std::string socket;   // "": default_socket()
  OpenSession session;  // its number is not used
};

class ManagedSession {
 public:
  static constexpr int kRetryMs = 200;  // between two looks for a limberd
  static constexpr double kOrderMs = 5;
  static constexpr int kReportMs = 50;  // reports wait for each other so long, where no frame was late or announced

  // Fails with kInvalidArgument on what no limberd would take: see check_session().
  explicit ManagedSession(ManagedSettings settings);
  ~ManagedSession();  // limberd gives everything back
  ManagedSession(const ManagedSession&) = delete;
  ManagedSession& operator=(const ManagedSession&) = delete;

  // Reads what has come in; true: the assignment is another one.
  bool update();
  // The same, but waits up to so long until limberd has decided, or refused; false: self-managed.
  bool wait(int milliseconds);

  const Assignment& assignment() const { return assignment_; }
  bool managed() const { return managed_; }
  int connections() const { return connections_; }  // to a limberd, so far
  // Readable when there is something for update(); -1 without a connection. Changes with it.
  int fd() const { return socket_.get(); }
  const Welcome& welcome() const { return welcome_; }  // of the last limberd

  // A frame begins. Where the assignment says `announce`: the order for it, which limberd gives in some tens of
  // microseconds, and for which it is waited at most kOrderMs, or a tenth of what is left. Else, and where none comes
  // in time: nothing, and the assignment holds. waiting_ms: what frames that wait behind it have left, in order.
  std::optional<FrameOrdered> begin(double left_ms, const std::vector<double>& waiting_ms = {});
  void report(const FrameReport& frame);  // of a frame that has ended; its number is filled in
  void set_target(const Target& target);  // fails with kInvalidArgument
  const Target& target() const { return open_.target; }

 private:
  void connect();
  void receive();
  void lose(const std::string& why, int retry_ms = kRetryMs);
  void manage_self(const std::string& why);
  void send(const Request& request);
  void flush();
  void take(const std::string& packet);

  std::string path_;
  OpenSession open_;
  Descriptor socket_;
  Welcome welcome_;
  Assignment assignment_;
  bool managed_ = false, changed_ = false;
  int connections_ = 0;
  int64_t next_try_ns_ = 0, reported_ns_ = 0;
  std::vector<FrameReport> waiting_;
  int64_t frame_ = 0;                    // of the last that was announced
  bool announced_ = false;               // it has not ended yet
  std::optional<FrameOrdered> ordered_;  // for it
};

// One question, one answer: limberd's state as JSON, for people and monitors. Waits up to a second. Fails with
// kNotFound where there is no limberd, kIo where it does not answer.
std::string ask_status(const std::string& socket);

}  // namespace limber::server
