// SPDX-License-Identifier: Apache-2.0
// limberd's loop: one thread, one epoll; clients in, assignments out. Layer: server.
//
// Needs no rights: what needs some is done by the helper, over a descriptor that arrives through `control`. Whatever a
// client sends, it gets an answer or the end of its connection; when it dies, all it had is given back.
#pragma once
#include <map>
#include <memory>
#include <set>
#include <string>

#include "platform/linux/real_fs.h"
#include "server/daemon/sessions.h"

namespace limber::server {

class Daemon {
 public:
  // The listener and the control socket are used, not owned. Fails where the system refuses (kIo).
  Daemon(const DaemonSettings& settings, int listener, int control);
  ~Daemon();

  // Until SIGTERM, SIGINT, or the other end of `control` closes.
  void run();

 private:
  static constexpr std::size_t kMostClients = 64;
  static constexpr int kMostRefusals = 100;
  static constexpr int kPacketsATurn = 16;

  struct Client {
    Descriptor socket, process;  // process: a pidfd
    int number = 0, pid = 0;
    unsigned uid = 0;
    std::string name;
    bool greeted = false, gone = false;
    int refusals = 0;
  };
  enum class Source : uint32_t { kListener, kControl, kSignal, kTimer, kCheck, kClient };

  void watch(int fd, Source source, int number);
  void accept_all();
  void take_helper();
  void serve(Client* client);
  void take(Client* client, const std::string& packet);
  void answer(Client* client, const Answer& answer);
  void refuse(Client* client, int session, const std::string& what);
  void tick();
  void settle();
  void bury();
  void set_pace();
  void set_check();
  Welcome welcome() const;
  std::string status();  // status.cc

  DaemonSettings settings_;
  int listener_, control_;
  RealFs fs_;
  LinuxPlatform platform_;  // to see; the helper has its own to set
  HelperLink helper_;
  std::unique_ptr<Sessions> sessions_;
  std::map<int, Client> clients_;
  Descriptor epoll_, timer_, checks_, signals_;
  std::string told_;  // the last status line for the service manager
  PlatformView view_;
  int64_t started_ns_ = 0;
  double check_ms_ = 0;  // for which checks_ is set; 0: it is not
  int next_client_ = 1, pace_ms_ = 0, helpers_ = 0;
  bool running_ = true;
};

}  // namespace limber::server
