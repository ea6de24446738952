// SPDX-License-Identifier: Apache-2.0
#include "server/daemon/sessions.h"

#include <dirent.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <utility>

#include "base/error.h"

namespace limber::server {
namespace {

// All threads that the process has now.
std::vector<int> threads_of(int pid) {
  std::vector<int> threads;
  DIR* folder = ::opendir(fmt::format("/proc/{}/task", pid).c_str());
  if (folder == nullptr) return threads;
  while (const dirent* entry = ::readdir(folder)) {
    const int tid = std::atoi(entry->d_name);
    if (tid > 0 && threads.size() < kMostThreads) threads.push_back(tid);
  }
  ::closedir(folder);
  return threads;
}

// Reasons hold measured numbers; only what else changed is worth a message.
bool same(Assignment a, const Assignment& b) {
  a.serial = b.serial;
  a.reason = b.reason;
  return a == b;
}

}  // namespace

Sessions::Sessions(std::vector<ArbitratedProcessor> processors, const Boost& boost, HelperLink& helper)
    : arbitration_(std::move(processors)),
      boost_(boost),
      helper_(helper),
      clocks_(arbitration_.processors().size()),
      clock_refused_(clocks_.size(), false) {}

int Sessions::find(int client, int number) const {
  for (const auto& [id, session] : sessions_)
    if (session.client == client && session.number == number) return id;
  fail(ErrorCode::kNotFound, "session {} is not open", number);
}

void Sessions::open(int client, int pid, const OpenSession& open, double now_ms) {
  std::size_t of_client = 0;
  for (const auto& [id, session] : sessions_) {
    if (session.client != client) continue;
    ++of_client;
    if (session.number == open.session)
      fail(ErrorCode::kInvalidArgument, "open: session {} is open already; release it, or use another number",
           open.session);
  }
  if (sessions_.size() >= kMost || of_client >= kMostOfClient)
    fail(ErrorCode::kInvalidArgument, "open: {} sessions are open, {} of this client; legal: {} and {}",
         sessions_.size(), of_client, kMost, kMostOfClient);
  for (const int tid : open.threads) {
    if (::access(fmt::format("/proc/{}/task/{}", pid, tid).c_str(), F_OK) != 0)
      fail(ErrorCode::kInvalidArgument, "open: thread {} is none of process {}, which asks", tid, pid);
  }
  arbitration_.add(next_id_, open, now_ms);
  SessionState session;
  session.client = client;
  session.number = open.session;
  session.pid = pid;
  session.name = open.name;
  session.target = open.target;
  session.threads = open.threads.empty() ? threads_of(pid) : open.threads;
  session.place = open.place;
  sessions_[next_id_++] = std::move(session);
  pending_ = true;
}

void Sessions::retarget(int client, const NewTarget& target, double now_ms) {
  const int id = find(client, target.session);
  sessions_.at(id).target = target.target;
  arbitration_.retarget(id, target.target, now_ms);
}

FrameOrdered Sessions::begin(int client, const FrameBegins& frame, double now_ms) {
  const int id = find(client, frame.session);
  FrameOrdered ordered = arbitration_.begin(id, frame, now_ms);
  ordered.session = frame.session;
  SessionState& session = sessions_.at(id);
  session.frame_cpus = ordered.cpus;
  order_place(&session, ordered.cpus);
  return ordered;
}

void Sessions::report(int client, const FrameReports& reports, double now_ms) {
  const int id = find(client, reports.session);
  arbitration_.report(id, reports.frames, now_ms);
}

void Sessions::drop(int id, double now_ms) {
  const SessionState session = std::move(sessions_.at(id));
  sessions_.erase(id);
  arbitration_.remove(id, now_ms);
  const bool last = std::none_of(sessions_.begin(), sessions_.end(),
                                 [&](const auto& entry) { return entry.second.pid == session.pid; });
  if (session.nice || session.weight || session.clamp || !session.placed.empty())
    helper_.forget(session.pid, session.threads, last && session.weight.has_value());
}

void Sessions::release(int client, int number, double now_ms) {
  drop(find(client, number), now_ms);
}

void Sessions::release_all(int client, double now_ms) {
  std::vector<int> ids;
  for (const auto& [id, session] : sessions_)
    if (session.client == client) ids.push_back(id);
  for (const int id : ids) drop(id, now_ms);
}

void Sessions::order_anew() {
  for (auto& [id, session] : sessions_) {
    session.nice = session.weight = session.clamp = std::nullopt;
    session.placed.clear();
  }
  clocks_.assign(clocks_.size(), ClockOrder{});
  clock_refused_.assign(clocks_.size(), false);
  refused_.clear();
  pending_ = true;
}

bool Sessions::noted(const Outcome& outcome, const std::string& what) {
  if (outcome.ok() || outcome.error == ESRCH || outcome.error == EPIPE) return outcome.ok();
  if (refused_.size() < 20) refused_.insert(what + ": " + outcome.reason);
  return false;
}

void Sessions::order(SessionState* session, const Assignment& given, double heaviest) {
  const double weight = session->target.weight;
  const auto for_threads = [&](const auto& call, const char* what) {
    for (const int tid : session->threads) noted(call(tid), what);
  };
  if (!helper_.there()) return;
  // The group first: to move a process into one may widen where it runs.
  if (boost_.kind == Boost::Kind::kWeight && session->weight != weight_of(boost_, weight, heaviest)) {
    session->weight = weight_of(boost_, weight, heaviest);
    noted(helper_.set_weight(session->pid, *session->weight), "boost by weight");
  }
  if (boost_.kind == Boost::Kind::kNice && session->nice != nice_of(boost_, weight, heaviest)) {
    session->nice = nice_of(boost_, weight, heaviest);
    for_threads([&](int tid) { return helper_.set_nice(session->pid, tid, *session->nice); }, "boost by nice");
  }
  order_place(session, given.announce && !session->frame_cpus.empty() ? session->frame_cpus : given.cpus);
  // Where the clock cannot be set, the scheduler can still be told how busy the threads are.
  const auto& processors = arbitration_.processors();
  for (std::size_t p = 0; p < processors.size(); ++p) {
    if (processors[p].tables.name != given.processor || given.khz == 0 || !clock_refused_[p]) continue;
    const auto clamp = static_cast<int>(1024 * given.khz / processors[p].tables.khz.back());
    if (session->clamp == clamp) continue;
    session->clamp = clamp;
    for_threads([&](int tid) { return helper_.set_clamps(session->pid, tid, clamp, 1024); }, "clamps of utilisation");
  }
}

void Sessions::order_place(SessionState* session, const std::vector<int>& cpus) {
  if (!session->place || cpus.empty() || session->placed == cpus || !helper_.there()) return;
  session->placed = cpus;
  for (const int tid : session->threads) noted(helper_.set_affinity(session->pid, tid, cpus), "placing threads");
}

void Sessions::order_clocks(double now_ms) {
  for (std::size_t p = 0; p < clocks_.size(); ++p) {
    const ClockOrder wanted = arbitration_.clocks()[p];
    pending_ = arbitration_.set_clock_obeys(p, helper_.there() && !clock_refused_[p], now_ms) || pending_;
    if (wanted == clocks_[p] || !helper_.there()) continue;
    clocks_[p] = wanted;
    const Outcome outcome =
        helper_.set_clock(p, {static_cast<ClockRequest::Kind>(wanted.kind), wanted.governor, wanted.point});
    clock_refused_[p] = !noted(outcome, "clock of " + arbitration_.processors()[p].tables.name);
    pending_ = arbitration_.set_clock_obeys(p, !clock_refused_[p], now_ms) || pending_;
  }
}

void Sessions::settle(double now_ms, const std::function<bool(int client, const Assignment&)>& send) {
  arbitration_.check(now_ms);
  pending_ = arbitration_.divide(now_ms) || pending_;
  order_clocks(now_ms);
  if (!std::exchange(pending_, false)) return;
  double heaviest = 0;
  for (const auto& [id, session] : sessions_) heaviest = std::max(heaviest, session.target.weight);
  for (auto& [id, session] : sessions_) {
    Assignment given = arbitration_.assignment(id);
    given.session = session.number;
    order(&session, given, heaviest);
    if (session.sent.serial > 0 && same(given, session.sent)) {
      session.sent.reason = given.reason;
      continue;
    }
    given.serial = session.sent.serial + 1;
    if (send(session.client, given)) {
      session.sent = std::move(given);
    } else {
      pending_ = true;
    }
  }
}

std::vector<int> Sessions::pids() const {
  std::set<int> pids;
  for (const auto& [id, session] : sessions_) pids.insert(session.pid);
  return {pids.begin(), pids.end()};
}

}  // namespace limber::server
