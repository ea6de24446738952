// SPDX-License-Identifier: Apache-2.0
// Policies: which member answers the next images of a frame. Layer: manager.
//
// A policy is a plain function of the profile, what it is told about the frame, and what was reported before: the same
// inputs give the same decisions, in an application, a simulation or a test. It reads no clock.
#pragma once
#include <memory>
#include <string>
#include <vector>

namespace limber {

// A member as profiled on this machine.
struct PolicyMember {
  std::string name;
  double image_ms = 0;  // median time of one image
  double top1 = -1;     // stored accuracy, 0..1; below 0: not known
};

// A frame is a burst of images with one deadline; decide() is asked before each part of it.
struct Situation {
  int64_t images_left = 0;
  int64_t images_part = 0;      // of these, how many the decision is for
  double elapsed_ms = 0;        // since the work on this frame began
  double done_profiled_ms = 0;  // profiled time of what is done of it
  double left_ms = 0;           // until the deadline
  int previous = -1;            // member of the part before; -1: the frame begins
  double period_ms = 0;         // between frames; 0: not known
};

struct Decision {
  int member = 0;
  bool anytime = false;  // run the exit plan; the best answer published by the deadline counts
  bool give_up = false;  // leave the frame's rest unanswered: it is late, and the next frame shall not be
  std::string reason;    // one line for people
  double leave_ms = 0;   // anytime: once every image has an answer, stop this long before the deadline
};

struct FrameOutcome {
  double elapsed_ms = 0, profiled_ms = 0;  // of the frame's work
  bool met = false;
  // Of anytime frames: until every image had its first answer (elapsed_ms if they never had), and the longest time
  // without a new answer.
  double answered_ms = 0, pause_ms = 0;
};

class Policy {
 public:
  virtual ~Policy() = default;
  virtual const std::string& name() const = 0;
  virtual Decision decide(const Situation& situation) = 0;
  virtual void report(const FrameOutcome& outcome) = 0;
};

// "static:<member>": always that member. "dynamic": for each part the largest member with which the frame still meets
// its deadline with enough probability (slowdown.h) and for sure on a core that goes on as lately (supply.h), the rest
// answered by the next smaller one. Down at once, also in the middle of a frame, and with caution in one that
// is slower than anything lately; up after several frames that would have allowed it; a frame whose deadline has
// passed is given up. "dynamic-ofa": the demo's rule (dynamic_ofa.h). "anytime": the exit plan until the deadline; on a
// core so busy that the next frame might not even get its first answers, it leaves early, so that the others' turns are
// over by then. Members ascend in cost. Fails with kInvalidArgument naming the legal names.
std::unique_ptr<Policy> make_policy(const std::string& name, const std::vector<PolicyMember>& members);

}  // namespace limber
