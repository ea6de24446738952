// SPDX-License-Identifier: Apache-2.0
// What limberd and its clients say to each other: one JSON object a packet, told by its "type". Layer: server.
//
//   client: hello, open, target, begin, frames, release, status
//   limberd: welcome, assignment, order, refusal, status
//
// Goals: a reader that trusts nothing; every refusal says what, where and what is legal. Non-goals: other machines,
// data. Version 2; keys that a version does not know are refused, so a new key is a new version. decode_* fail with
// kBadFile (no such message) or kInvalidArgument (a value that is not legal); encode() fails with kInvalidArgument on
// text that is not UTF-8. Numbers: times in ms, clocks in kHz.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "manager/system_policy.h"

namespace limber::server {

constexpr int kProtocol = 2;
constexpr std::size_t kMostMembers = 64, kMostOptions = 512, kMostPoints = 64, kMostThreads = 64, kMostFrames = 256,
                      kMostWaiting = 16;
constexpr std::size_t kMostName = 64;        // bytes of printable text
constexpr int kMostSessionNumber = 1 << 20;  // sessions are numbered by their client

struct Hello {
  int protocol = kProtocol;
  std::string name;
};

// One member on so many cores. Where the client does not know the machine: no processor and one time, at the highest
// clock of the fastest cores.
struct SessionOption {
  int member = 0;
  std::string processor;  // of the welcome; "": any
  int cores = 1;
  std::vector<double> ms;  // of a frame: one for each point of the processor, or one
};

struct OpenSession {
  int session = 0;
  std::string name;
  std::vector<ManagedMember> members;  // ascending in cost
  std::vector<SessionOption> options;
  Target target;
  std::vector<int> threads;  // that do the work; empty: all the process has now
  bool place = false;        // limberd puts them on the cores; else the client does
  bool announces = false;    // the client can say when each frame begins, and do what is ordered for it
};

struct NewTarget {
  int session = 0;
  Target target;
};

// An announced frame begins; its report, which tells that it has ended, bears the same number.
struct FrameBegins {
  int session = 0;
  int64_t frame = 1;               // from 1 on
  double left_ms = 0;              // until its deadline
  std::vector<double> waiting_ms;  // the same of the frames that wait behind it, in order
};

struct FrameReport {
  double elapsed_ms = 0, deadline_ms = 0;  // of the work; from its begin until it had to be done
  double work_ms = 0;  // what the session's table says for what was done, at the highest clock; 0: as for `member`
  bool met = false;
  int member = 0;
  double confidence = -1;  // of its answer, 0..1 on average; below 0: not known
  int64_t frame = 0;       // FrameBegins::frame; 0: it was not announced
};

struct FrameReports {
  int session = 0;
  std::vector<FrameReport> frames;  // in their order
};

struct Release {
  int session = 0;
};

struct StatusRequest {};

using Request = std::variant<Hello, OpenSession, NewTarget, FrameBegins, FrameReports, Release, StatusRequest>;

struct Welcome {
  int protocol = kProtocol;
  std::string version;
  struct Processor {
    std::string name;
    std::vector<int> cpus;
    std::vector<int64_t> khz;  // {0}: the clock is not to be chosen
  };
  std::vector<Processor> processors;
};

struct Assignment {
  int session = 0;
  int64_t serial = 0;      // counts up
  int ceiling = 0;         // the largest member that may answer
  int floor = 0;           // the smallest that should
  std::string processor;   // "": any
  std::vector<int> cpus;   // logical; empty: any
  int64_t khz = 0;         // planned; 0: not limberd's to choose
  bool exclusive = false;  // no other managed application got one of the cpus
  bool met = false;        // the plan meets the target; else it is the best effort
  bool announce = false;   // limberd orders member, cores and clock of each frame that begins
  std::string reason;      // one line for people
  bool operator==(const Assignment&) const = default;
};

// Of an announced frame. The clock is ordered already.
struct FrameOrdered {
  int session = 0;
  int64_t frame = 0;
  int member = 0;  // that shall answer, or a smaller one where it turns out to be too slow
  std::string processor;
  int cores = 1;
  double expected_ms = 0;  // that it will take, at the clocks that are planned; 0: nobody can tell
  std::vector<int> cpus;   // logical; as many as cores, or more to choose from; empty: no CPU
  std::string reason;      // one line for people
};

struct Refusal {
  int session = -1;  // -1: of no session
  std::string what;
};

struct StatusText {
  std::string json;
};

using Answer = std::variant<Welcome, Assignment, FrameOrdered, Refusal, StatusText>;

std::string encode(const Request& request);
std::string encode(const Answer& answer);
Request decode_request(std::string_view text);
Answer decode_answer(std::string_view text);

// What decode_request() checks of a session, for clients who want to know before they send. Fails with
// kInvalidArgument.
void check_session(const OpenSession& open);
void check_target(const Target& target);

}  // namespace limber::server
