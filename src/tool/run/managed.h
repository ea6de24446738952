// SPDX-License-Identifier: Apache-2.0
// The policy "managed": the members and CPUs that limberd allows, or orders for a frame, and within them the policy
// "dynamic". Layer: tool.
#pragma once
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "manager/policy.h"
#include "server/managed_session.h"

namespace limber::tool {

struct ManagedRun {
  std::string socket;  // "": the usual one
  std::string name;    // of the session
  int64_t burst = 1;   // images of a frame
  double period_ms = 33, deadline_ms = 33;
  double accuracy_floor = 0, weight = 1;
  std::vector<int> home;  // CPUs to run on where limberd says nothing
};

// One thread: the one that decides is the one that works, and it is moved to the CPUs that were assigned.
class ManagedPolicy : public Policy {
 public:
  // Waits up to 300 ms for the first assignment. Fails as make_policy() and ManagedSession do.
  ManagedPolicy(const std::vector<PolicyMember>& members, const ManagedRun& run);

  const std::string& name() const override { return name_; }
  Decision decide(const Situation& situation) override;
  void report(const FrameOutcome& outcome) override;
  void skipped();  // a frame whose deadline had passed before its work could begin

  bool managed() const { return session_.managed(); }
  std::string summary() const;  // one line for people
  nlohmann::json json() const;

 private:
  void follow();
  void begin(const Situation& situation);
  void move_to(const std::vector<int>& cpus);

  std::string name_ = "managed";
  ManagedRun run_;
  std::vector<PolicyMember> members_;
  std::unique_ptr<Policy> inner_;
  server::ManagedSession session_;
  std::optional<server::FrameOrdered> ordered_;  // for this frame
  double pace_ = 1;                              // how much longer it is planned to take than at the highest clock
  std::vector<double> parts_;                    // images of this frame by each member
  double left_ms_ = 0;                           // of this frame at its begin
  std::string place_;                            // where and why, of the frame's first reason
  int64_t frames_ = 0, managed_frames_ = 0, ordered_frames_ = 0;
  int assignments_ = 0;  // that were followed
  int lowest_ = 0;       // the smallest member above the accuracy floor
};

}  // namespace limber::tool
