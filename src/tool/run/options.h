// SPDX-License-Identifier: Apache-2.0
// What the user asked `limber run` for. Layer: tool.
#pragma once
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "manager/policy.h"

namespace limber::tool {

struct RunOptions {
  std::string model;
  std::string data, split = "test";  // labelled images by name or path; or
  std::string input;                 // a stream
  std::string policy = "dynamic", burst = "auto";
  double period_ms = 33, deadline_ms = 0;  // deadline 0: the period
  double confidence = 0;                   // 0: no early stop
  int64_t frames = 0;                      // 0: 600 of a data set, a stream to its end
  int rounds = 1, load = 0, core = -1;
  std::string load_at;        // "2.5-8.5", seconds of a trace; empty: its middle third
  double accuracy_floor = 0;  // 0: none
  uint64_t seed = 1;
  std::string trace, plot;
  std::string profile;     // a file of `limber profile`; empty: measured at the start
  std::string socket;      // of limberd, for the policy managed; empty: the usual one
  double weight = 1;       // of the managed session
  std::string power_from;  // a meter of the user's; empty: the machine's own
  bool unpinned = false;   // the system's scheduler decides where it runs
  bool json = false, quiet = false;
};

// The policies that `names` asks for: names with commas between; "all" is every static member, dynamic and, where the
// model has an exit plan, anytime; under an accuracy floor (accuracy_floor.h) only what can keep it. Fails with
// kInvalidArgument or kUnsupported on an unknown, repeated or impossible one, naming the legal ones.
std::vector<std::unique_ptr<Policy>> make_policies(const std::string& names, const std::vector<PolicyMember>& members,
                                                   bool exit_plan, double accuracy_floor = 0);

// Of "2.5-8.5": both, 0 at least and the second larger. Fails with kInvalidArgument on anything else.
std::pair<double, double> parse_seconds(const std::string& text);

// Fails on options that contradict each other, and names both.
void check_options(const RunOptions& options);

}  // namespace limber::tool
