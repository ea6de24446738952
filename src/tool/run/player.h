// SPDX-License-Identifier: Apache-2.0
// Plays one policy's trace: frames arrive, a session answers them under the deadline. Layer: tool.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "manager/anytime.h"
#include "manager/policy.h"
#include "network/session.h"
#include "tool/run/result.h"
#include "tool/run/source.h"

namespace limber::tool {

class Player {
 public:
  // confidence: the anytime policy's early stop; 0: none. Bursts have at most context.burst images.
  Player(std::shared_ptr<const Model> model, const RunContext& context, std::vector<PolicyMember> profile,
         double confidence);

  // Until the trace, the source or the user's patience (interrupted()) ends. `done` gets every frame right after it;
  // what it does delays the next one.
  void play(Policy& policy, BurstSource& source, const std::function<void(FrameResult&)>& done);

 private:
  struct Clock {
    int64_t start = 0, deadline = 0;
  };
  void answer(Policy& policy, const Burst& burst, const Clock& clock, FrameResult& frame);
  void answer_in_parts(Policy& policy, Decision decision, const Burst& burst, const Clock& clock, FrameResult& frame);
  void answer_anytime(Policy& policy, const Decision& decision, const Burst& burst, const Clock& clock,
                      FrameResult& frame);
  void judge(const Burst& burst, int64_t image, std::span<const float> answer, ImageResult& result) const;
  std::string why_stopped(int exit, bool sure, bool left) const;

  std::shared_ptr<const Model> model_;
  const RunContext& context_;
  std::vector<PolicyMember> profile_;
  double confidence_;
  int first_exit_;  // index in context_.members of what the exit plan publishes first
  bool probabilities_;
  Session session_;
  AnytimeOrder order_;
  std::vector<float> answers_;
};

}  // namespace limber::tool
