// SPDX-License-Identifier: Apache-2.0
#include "server/managed_session.h"

#include <poll.h>

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "platform/clock.h"

namespace limber::server {
namespace {

constexpr int64_t kMs = 1'000'000;
constexpr std::size_t kMostReports = 32;
constexpr int kRefusedMs = 5000;  // until the same is asked for again

void wait_readable(int fd, int64_t until_ns) {
  pollfd ready{fd, POLLIN, 0};
  const int64_t left = std::min<int64_t>(until_ns - now_ns(), 1000 * kMs);
  const timespec patience{left / (1000 * kMs), left % (1000 * kMs)};
  if (left > 0) ::ppoll(&ready, 1, &patience, nullptr);
}

}  // namespace

ManagedSession::ManagedSession(ManagedSettings settings)
    : path_(settings.socket.empty() ? default_socket() : std::move(settings.socket)),
      open_(std::move(settings.session)) {
  open_.session = 1;
  check_session(open_);
  connect();
}

ManagedSession::~ManagedSession() {
  if (!socket_) return;
  try {
    flush();
    send(Release{open_.session});
  } catch (const std::exception&) {  // the end of the connection says the same
  }
}

void ManagedSession::manage_self(const std::string& why) {
  Assignment own;
  own.session = open_.session;
  own.ceiling = static_cast<int>(open_.members.size()) - 1;
  const auto enough = std::find_if(open_.members.begin(), open_.members.end(), [&](const ManagedMember& member) {
    return member.accuracy >= open_.target.accuracy;
  });
  own.floor = std::min(own.ceiling, static_cast<int>(enough - open_.members.begin()));
  own.reason = "self-managed: " + why;
  managed_ = false;
  if (own == assignment_) return;
  assignment_ = std::move(own);
  changed_ = true;
}

void ManagedSession::lose(const std::string& why, int retry_ms) {
  socket_.reset();
  waiting_.clear();
  announced_ = false;
  next_try_ns_ = now_ns() + retry_ms * kMs;
  manage_self(why);
}

void ManagedSession::connect() {
  std::string reason;
  socket_ = connect_to(path_, reason);
  if (!socket_) return lose(reason);
  ++connections_;
  manage_self("limberd at " + path_ + " has not decided yet");
  send(Hello{kProtocol, open_.name});
  send(open_);
}

void ManagedSession::send(const Request& request) {
  if (!socket_) return;
  const std::string text = encode(request);
  if (text.size() > kMostBytes)
    fail(ErrorCode::kInvalidArgument, "a message of {} bytes to limberd; {} are legal: give fewer options", text.size(),
         kMostBytes);
  if (send_packet(socket_.get(), text) == Sent::kDone) return;
  lose("limberd at " + path_ + " has ended or does not read");
}

bool ManagedSession::update() {
  receive();
  return std::exchange(changed_, false);
}

void ManagedSession::receive() {
  if (!socket_ && now_ns() >= next_try_ns_) connect();
  while (socket_) {
    const Packet packet = receive_packet(socket_.get());
    if (packet.kind == Packet::Kind::kNothing) break;
    if (packet.kind == Packet::Kind::kClosed) {
      lose("limberd at " + path_ + " has ended");
    } else if (packet.kind == Packet::Kind::kTooLong) {
      lose("limberd at " + path_ + " sends packets that are too long", kRefusedMs);
    } else {
      take(packet.text);
    }
  }
  if (!waiting_.empty() && now_ns() - reported_ns_ >= kReportMs * kMs) flush();
}

void ManagedSession::take(const std::string& packet) {
  Answer answer;
  try {
    answer = decode_answer(packet);
  } catch (const Error& error) {
    return lose(fmt::format("limberd at {} is not understood: {}", path_, error.what()), kRefusedMs);
  }
  if (auto* welcome = std::get_if<Welcome>(&answer)) welcome_ = std::move(*welcome);
  if (auto* refusal = std::get_if<Refusal>(&answer)) {
    // A lost report is no reason to stop; a session that is not wanted is.
    if (!managed_) lose(fmt::format("limberd at {} refused: {}", path_, refusal->what), kRefusedMs);
  }
  if (auto* order = std::get_if<FrameOrdered>(&answer)) {
    if (order->session != open_.session || !announced_ || order->frame != frame_) return;  // too late
    if (order->member >= static_cast<int>(open_.members.size()))
      return lose("limberd at " + path_ + " names members that are none", kRefusedMs);
    ordered_ = std::move(*order);
  }
  if (auto* assignment = std::get_if<Assignment>(&answer)) {
    if (assignment->session != open_.session) return;
    if (assignment->ceiling >= static_cast<int>(open_.members.size()))
      return lose("limberd at " + path_ + " names members that are none", kRefusedMs);
    managed_ = changed_ = true;
    assignment_ = std::move(*assignment);
  }
}

bool ManagedSession::wait(int milliseconds) {
  const int64_t until = now_ns() + milliseconds * kMs;
  receive();
  while (socket_ && !managed_ && now_ns() < until) {
    wait_readable(socket_.get(), until);
    receive();
  }
  return managed_;
}

std::optional<FrameOrdered> ManagedSession::begin(double left_ms, const std::vector<double>& waiting_ms) {
  receive();
  ordered_.reset();
  announced_ = false;
  if (!managed_ || !assignment_.announce || !(left_ms > 0)) return std::nullopt;
  flush();
  FrameBegins frame{open_.session, ++frame_, left_ms, waiting_ms};
  if (frame.waiting_ms.size() > kMostWaiting) frame.waiting_ms.resize(kMostWaiting);
  announced_ = true;
  const int64_t until = now_ns() + static_cast<int64_t>(std::min(kOrderMs, left_ms / 10) * kMs);
  send(frame);
  while (socket_ && !ordered_ && now_ns() < until) {
    wait_readable(socket_.get(), until);
    receive();
  }
  return std::move(ordered_);
}

void ManagedSession::report(const FrameReport& frame) {
  const bool frame_ends = std::exchange(announced_, false);
  if (!socket_) return;
  waiting_.push_back(frame);
  waiting_.back().frame = frame_ends ? frame_ : 0;
  const bool due =
      !frame.met || waiting_.size() >= kMostReports || frame_ends || now_ns() - reported_ns_ >= kReportMs * kMs;
  if (due) flush();
}

void ManagedSession::flush() {
  if (waiting_.empty()) return;
  reported_ns_ = now_ns();
  const FrameReports reports{open_.session, std::exchange(waiting_, {})};
  if (managed_) send(reports);
}

void ManagedSession::set_target(const Target& target) {
  check_target(target);
  open_.target = target;
  if (socket_) return send(NewTarget{open_.session, target});
  manage_self(assignment_.reason.substr(assignment_.reason.find(' ') + 1));
}

std::string ask_status(const std::string& socket) {
  const std::string path = socket.empty() ? default_socket() : socket;
  std::string reason;
  const Descriptor connection = connect_to(path, reason);
  if (!connection) fail(ErrorCode::kNotFound, "{}; start it (limberd), or name its --socket", reason);
  send_packet(connection.get(), encode(Request(Hello{kProtocol, "status"})));
  send_packet(connection.get(), encode(Request(StatusRequest{})));
  const int64_t until = now_ns() + 1000 * kMs;
  while (now_ns() < until) {
    const Packet packet = receive_packet(connection.get());
    if (packet.kind == Packet::Kind::kNothing) wait_readable(connection.get(), until);
    if (packet.kind == Packet::Kind::kClosed || packet.kind == Packet::Kind::kTooLong) break;
    if (packet.kind != Packet::Kind::kText) continue;
    const Answer answer = decode_answer(packet.text);
    if (const auto* status = std::get_if<StatusText>(&answer)) return status->json;
    if (const auto* refusal = std::get_if<Refusal>(&answer)) fail(ErrorCode::kIo, "{}: {}", path, refusal->what);
  }
  fail(ErrorCode::kIo, "{}: limberd does not answer", path);
}

}  // namespace limber::server
