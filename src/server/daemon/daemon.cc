// SPDX-License-Identifier: Apache-2.0
#include "server/daemon/daemon.h"

#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cmath>
#include <cstring>

#include "base/error.h"
#include "platform/clock.h"
#include "server/daemon/board_watts.h"
#include "server/daemon/log.h"
#include "server/daemon/notify.h"

namespace limber::server {
namespace {

constexpr double kOrderMs = 0.2;              // an application's word, the helper's, and some files
constexpr int kBusyMs = 100, kIdleMs = 1000;  // between two looks at the machine, with and without sessions

double now_ms() {
  return static_cast<double>(now_ns()) / 1e6;
}

std::vector<ArbitratedProcessor> arbitrated(const LinuxPlatform& platform, const DaemonSettings& settings) {
  std::vector<ArbitratedProcessor> processors;
  for (const LinuxProcessor& found : platform.processors()) {
    ArbitratedProcessor processor;
    processor.tables.name = found.name;
    processor.tables.cpu = found.cpu;
    processor.tables.cores = found.cpu ? static_cast<int>(found.cpus.size()) : 1;
    processor.tables.khz = found.khz;
    processor.tables.switch_ms = found.switch_ms + kOrderMs;
    processor.cpus = found.cpus;
    processor.capacity = static_cast<double>(found.capacity);
    processors.push_back(std::move(processor));
  }
  if (!settings.board.empty()) add_watts(read_board(settings.board), &processors);
  return processors;
}

Descriptor made(int fd, const char* what) {
  if (fd < 0) fail(ErrorCode::kIo, "{}: {}", what, std::strerror(errno));
  return Descriptor(fd);
}

// A pidfd is readable once its process has ended, even where a child of it still holds the connection.
bool has_ended(const Descriptor& process) {
  pollfd ready{process.get(), POLLIN, 0};
  return process && ::poll(&ready, 1, 0) > 0;
}

void drain(const Descriptor& timer) {
  uint64_t times = 0;
  while (::read(timer.get(), &times, sizeof times) > 0) {
  }
}

sigset_t ending_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  return set;
}

}  // namespace

Daemon::Daemon(const DaemonSettings& settings, int listener, int control)
    : settings_(settings),
      listener_(listener),
      control_(control),
      fs_(settings.sysfs_root),
      platform_(fs_, {}),
      sessions_(std::make_unique<Sessions>(arbitrated(platform_, settings), settings.boost, helper_)),
      epoll_(made(::epoll_create1(EPOLL_CLOEXEC), "epoll")),
      timer_(made(::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC), "timerfd")),
      checks_(made(::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC), "timerfd")),
      started_ns_(now_ns()) {
  const sigset_t ending = ending_signals();
  ::sigprocmask(SIG_BLOCK, &ending, nullptr);
  signals_ = made(::signalfd(-1, &ending, SFD_NONBLOCK | SFD_CLOEXEC), "signalfd");
  watch(listener_, Source::kListener, 0);
  watch(control_, Source::kControl, 0);
  watch(signals_.get(), Source::kSignal, 0);
  watch(timer_.get(), Source::kTimer, 0);
  watch(checks_.get(), Source::kCheck, 0);
  set_pace();
  for (const OtherManager& manager : platform_.other_managers())
    if (manager.owns_clocks) log("{} runs and owns the clocks: it {}", manager.name, manager.what);
}

Daemon::~Daemon() = default;

void Daemon::watch(int fd, Source source, int number) {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLRDHUP;
  event.data.u64 = static_cast<uint64_t>(source) << 32 | static_cast<uint32_t>(number);
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0)
    fail(ErrorCode::kIo, "epoll: {}", std::strerror(errno));
}

void Daemon::run() {
  notify_service_manager("READY=1\nSTATUS=no applications");
  std::array<epoll_event, 32> events{};
  while (running_) {
    const int count = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), -1);
    for (int i = 0; i < count; ++i) {
      const uint64_t data = events[static_cast<std::size_t>(i)].data.u64;
      const auto source = static_cast<Source>(data >> 32);
      if (source == Source::kSignal) running_ = false;
      if (source == Source::kListener) accept_all();
      if (source == Source::kControl) take_helper();
      if (source == Source::kTimer) tick();
      if (source == Source::kCheck) drain(checks_);  // settle() does the rest
      if (source != Source::kClient) continue;
      const auto client = clients_.find(static_cast<int>(data & 0xffffffff));
      if (client != clients_.end() && !client->second.gone) serve(&client->second);
    }
    settle();
  }
  notify_service_manager("STOPPING=1");
}

void Daemon::accept_all() {
  while (true) {
    Descriptor socket(::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!socket) return;
    ucred who{};
    socklen_t size = sizeof who;
    const bool known = ::getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &who, &size) == 0 && who.pid > 0;
    if (!known || clients_.size() >= kMostClients) {
      const std::string why =
          known ? fmt::format("{} applications are connected, which is all there may be", clients_.size())
                : "its process cannot be told; applications of other containers cannot be managed";
      send_packet(socket.get(), encode(Answer(Refusal{-1, why})));
      log("a connection was refused: {}", why);
      continue;
    }
    Client client;
    client.number = next_client_++;
    client.pid = who.pid;
    client.uid = who.uid;
    client.process = Descriptor(static_cast<int>(::syscall(SYS_pidfd_open, who.pid, 0)));
    watch(socket.get(), Source::kClient, client.number);
    if (client.process) watch(client.process.get(), Source::kClient, client.number);
    client.socket = std::move(socket);
    clients_.emplace(client.number, std::move(client));
  }
}

void Daemon::take_helper() {
  bool closed = false;
  Descriptor socket = receive_descriptor(control_, closed);
  if (closed) {
    running_ = false;
    return;
  }
  if (!socket) return;
  helper_.attach(std::move(socket));
  if (++helpers_ > 1) log("the helper is back; everything is ordered anew");
  sessions_->order_anew();
}

void Daemon::serve(Client* client) {
  client->gone = has_ended(client->process);
  for (int i = 0; i < kPacketsATurn && !client->gone; ++i) {
    const Packet packet = receive_packet(client->socket.get());
    if (packet.kind == Packet::Kind::kNothing) return;
    if (packet.kind == Packet::Kind::kClosed) client->gone = true;
    if (packet.kind == Packet::Kind::kTooLong)
      refuse(client, -1, fmt::format("a packet of more than {} bytes; at most so many are read", kMostBytes));
    if (packet.kind == Packet::Kind::kText) take(client, packet.text);
  }
}

void Daemon::take(Client* client, const std::string& packet) {
  int session = -1;
  try {
    const Request request = decode_request(packet);
    if (const auto* hello = std::get_if<Hello>(&request)) {
      if (hello->protocol != kProtocol) {
        refuse(client, -1, fmt::format("protocol {} is not spoken here; legal: {}", hello->protocol, kProtocol));
        client->gone = true;
        return;
      }
      client->name = hello->name;
      client->greeted = true;
      return answer(client, welcome());
    }
    if (!client->greeted) fail(ErrorCode::kInvalidArgument, "the first message must be hello");
    if (const auto* open = std::get_if<OpenSession>(&request)) {
      session = open->session;
      sessions_->open(client->number, client->pid, *open, now_ms());
      log("{} (process {}, user {}) opened {}", client->name, client->pid, client->uid, open->name);
    } else if (const auto* target = std::get_if<NewTarget>(&request)) {
      session = target->session;
      sessions_->retarget(client->number, *target, now_ms());
    } else if (const auto* frame = std::get_if<FrameBegins>(&request)) {
      session = frame->session;
      answer(client, sessions_->begin(client->number, *frame, now_ms()));
    } else if (const auto* frames = std::get_if<FrameReports>(&request)) {
      session = frames->session;
      sessions_->report(client->number, *frames, now_ms());
    } else if (const auto* release = std::get_if<Release>(&request)) {
      session = release->session;
      sessions_->release(client->number, session, now_ms());
    } else {
      answer(client, StatusText{status()});
    }
  } catch (const std::exception& error) {
    refuse(client, session, error.what());
  }
}

void Daemon::answer(Client* client, const Answer& answer) {
  const std::string text = encode(answer);
  // A client that does not read its answers has lost them; assignments are sent again (Sessions::settle).
  if (send_packet(client->socket.get(), text) == Sent::kClosed) client->gone = true;
}

void Daemon::refuse(Client* client, int session, const std::string& what) {
  answer(client, Refusal{session, what.substr(0, 1000)});
  if (++client->refusals == 1) log("{} (process {}) was refused: {}", client->name, client->pid, what);
  if (client->refusals < kMostRefusals) return;
  log("{} (process {}): too many wrong messages, the connection is ended", client->name, client->pid);
  client->gone = true;
}

void Daemon::tick() {
  drain(timer_);
  const std::vector<int> own = sessions_->pids();
  view_ = helper_.view(own);
  if (view_.processors.empty()) {
    platform_.set_own(own);
    view_ = platform_.view(now_ns());
  }
  SystemView seen;
  seen.now_ms = now_ms();
  seen.power_w = view_.power_w;
  seen.celsius = view_.celsius;
  if (settings_.thermal_cap_c > 0) seen.cap_c = settings_.thermal_cap_c;
  if (settings_.power_cap_w > 0) seen.cap_w = settings_.power_cap_w;
  for (const PlatformView::Processor& processor : view_.processors) {
    seen.processors.emplace_back();
    seen.processors.back().available = processor.available;
    seen.processors.back().highest = processor.highest;
    seen.processors.back().others = processor.others;
    seen.processors.back().point = processor.point;
    seen.processors.back().power_w = processor.power_w;
  }
  sessions_->look(seen);
}

void Daemon::bury() {
  for (auto client = clients_.begin(); client != clients_.end();) {
    if (!client->second.gone) {
      ++client;
      continue;
    }
    sessions_->release_all(client->first, now_ms());
    if (client->second.greeted && client->second.name != "status")
      log("{} (process {}) has gone; what it had is free", client->second.name, client->second.pid);
    client = clients_.erase(client);
  }
}

void Daemon::settle() {
  bury();
  sessions_->settle(now_ms(), [this](int number, const Assignment& assignment) {
    Client& client = clients_.at(number);
    const Sent sent = send_packet(client.socket.get(), encode(Answer(assignment)));
    if (sent == Sent::kClosed) client.gone = true;
    return sent == Sent::kDone;
  });
  bury();
  set_pace();
  set_check();
  const std::size_t count = sessions_->all().size();
  std::string status = fmt::format("STATUS={} session{} of {} application{}", count, count == 1 ? "" : "s",
                                   clients_.size(), clients_.size() == 1 ? "" : "s");
  if (status != told_) notify_service_manager(status);
  told_ = std::move(status);
}

void Daemon::set_pace() {
  const int pace = sessions_->all().empty() ? kIdleMs : kBusyMs;
  if (pace == pace_ms_) return;
  pace_ms_ = pace;
  itimerspec every{};
  every.it_value.tv_nsec = 1;  // now, and then
  every.it_interval = {pace / 1000, pace % 1000 * 1'000'000L};
  ::timerfd_settime(timer_.get(), 0, &every, nullptr);
}

void Daemon::set_check() {
  const double next = sessions_->next_check_ms();
  const double wanted = std::isfinite(next) ? std::max(next, 1e-3) : 0;
  if (wanted == check_ms_) return;
  check_ms_ = wanted;
  itimerspec once{};
  const auto ns = wanted > 0 ? static_cast<int64_t>(std::ceil(wanted * 1e6)) + 1 : 0;  // never early
  once.it_value = {ns / 1'000'000'000, ns % 1'000'000'000};
  ::timerfd_settime(checks_.get(), TFD_TIMER_ABSTIME, &once, nullptr);
}

Welcome Daemon::welcome() const {
  Welcome welcome;
  welcome.version = LIMBER_VERSION;
  for (const LinuxProcessor& processor : platform_.processors())
    welcome.processors.push_back({processor.name, processor.cpus, processor.khz});
  return welcome;
}

}  // namespace limber::server
