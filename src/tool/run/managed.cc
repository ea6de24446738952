// SPDX-License-Identifier: Apache-2.0
#include "tool/run/managed.h"

#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/cpu_list.h"
#include "base/error.h"
#include "manager/accuracy_floor.h"
#include "platform/machine.h"

namespace limber::tool {
namespace {

constexpr int kPatienceMs = 300;

server::ManagedSettings settings_of(const std::vector<PolicyMember>& members, const ManagedRun& run) {
  server::ManagedSettings settings;
  settings.socket = run.socket;
  server::OpenSession& open = settings.session;
  open.name = run.name;
  if (open.name.size() > server::kMostName) open.name.resize(server::kMostName);
  for (std::size_t m = 0; m < members.size(); ++m) {
    open.members.push_back({members[m].name, std::max(0.0, members[m].top1)});
    open.options.push_back({static_cast<int>(m), "", 1, {members[m].image_ms * static_cast<double>(run.burst)}});
  }
  open.target.deadline_ms = run.deadline_ms;
  open.target.rate_hz = 1000 / run.period_ms;
  open.target.accuracy = run.accuracy_floor;
  open.target.weight = run.weight;
  open.target.prefer_accuracy = true;
  open.threads = {static_cast<int>(::gettid())};
  open.announces = true;
  return settings;
}

}  // namespace

ManagedPolicy::ManagedPolicy(const std::vector<PolicyMember>& members, const ManagedRun& run)
    : run_(run),
      members_(members),
      inner_(make_policy("dynamic", members, run.accuracy_floor)),
      session_(settings_of(members, run)),
      parts_(members.size(), 0) {
  if (run.accuracy_floor > 0) lowest_ = members_above(members, run.accuracy_floor).front();
  session_.wait(kPatienceMs);
}

void ManagedPolicy::move_to(const std::vector<int>& cpus) {
  try {
    pin_thread(cpus);
    place_ = fmt::format("CPU {}", print_cpu_list(cpus));
  } catch (const Error& error) {  // of a machine that is smaller than limberd thinks: a cpuset
    place_ = error.what();
  }
}

void ManagedPolicy::follow() {
  if (!session_.update() && !place_.empty()) return;
  ++assignments_;
  const server::Assignment& given = session_.assignment();
  move_to(given.cpus.empty() ? run_.home : given.cpus);
  place_ += ", " + given.reason;
}

void ManagedPolicy::begin(const Situation& situation) {
  follow();
  std::fill(parts_.begin(), parts_.end(), 0);
  left_ms_ = situation.left_ms;
  ordered_ = session_.begin(situation.left_ms);
  pace_ = 1;
  if (!ordered_) return;
  ++ordered_frames_;
  const double profiled_ms =
      members_[static_cast<std::size_t>(ordered_->member)].image_ms * static_cast<double>(situation.images_left);
  if (profiled_ms > 0) pace_ = std::max(1.0, ordered_->expected_ms / profiled_ms);
  if (!ordered_->cpus.empty()) move_to(ordered_->cpus);
  place_ += ", " + ordered_->reason;
}

Decision ManagedPolicy::decide(const Situation& situation) {
  const bool begins = situation.previous < 0;
  if (begins) begin(situation);
  // Times as if at the highest clock, which the profile is of: a frame that is slow because it was planned so is not
  // late, and limberd raises the clock for its rest where it must.
  Situation at_highest = situation;
  at_highest.elapsed_ms /= pace_;
  Decision decision = inner_->decide(at_highest);
  const int ceiling = std::max(ordered_ ? ordered_->member : session_.assignment().ceiling, lowest_);
  if (!decision.give_up && decision.member > ceiling) {
    decision.member = ceiling;
    decision.reason = fmt::format("limberd {} {}", ordered_ ? "orders" : "allows up to",
                                  members_[static_cast<std::size_t>(ceiling)].name);
  }
  if (begins)
    decision.reason = fmt::format("{} [{}: {}]", decision.reason, managed() ? "managed" : "not managed", place_);
  if (!decision.give_up)
    parts_[static_cast<std::size_t>(decision.member)] += static_cast<double>(situation.images_part);
  return decision;
}

void ManagedPolicy::report(const FrameOutcome& outcome) {
  FrameOutcome at_highest = outcome;
  at_highest.elapsed_ms /= pace_;
  inner_->report(at_highest);
  ++frames_;
  managed_frames_ += managed();
  server::FrameReport frame;
  frame.elapsed_ms = outcome.elapsed_ms;
  frame.deadline_ms = left_ms_;
  frame.work_ms = outcome.profiled_ms;
  frame.met = outcome.met;
  frame.member = static_cast<int>(std::max_element(parts_.begin(), parts_.end()) - parts_.begin());
  session_.report(frame);
}

void ManagedPolicy::skipped() {
  ++frames_;
  managed_frames_ += managed();
  session_.update();
  session_.report({0, 0, 0, false, 0});
}

std::string ManagedPolicy::summary() const {
  return fmt::format("managed by limberd: {} of {} frames, {} by an order of their own, {} assignment{}; last: {}",
                     managed_frames_, frames_, ordered_frames_, assignments_, assignments_ == 1 ? "" : "s",
                     session_.assignment().reason);
}

nlohmann::json ManagedPolicy::json() const {
  const server::Assignment& given = session_.assignment();
  return {{"frames", frames_},
          {"frames_managed", managed_frames_},
          {"frames_ordered", ordered_frames_},
          {"assignments", assignments_},
          {"connections", session_.connections()},
          {"ceiling", members_[static_cast<std::size_t>(given.ceiling)].name},
          {"cpus", given.cpus},
          {"khz", given.khz > 0 ? nlohmann::json(given.khz) : nlohmann::json()},
          {"met", given.met},
          {"reason", given.reason}};
}

}  // namespace limber::tool
