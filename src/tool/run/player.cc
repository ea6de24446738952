// SPDX-License-Identifier: Apache-2.0
#include "tool/run/player.h"

#include <algorithm>

#include "base/error.h"
#include "platform/clock.h"
#include "tool/run/interrupt.h"
#include "tool/run/load_generator.h"

namespace limber::tool {

namespace {

constexpr int64_t kLeadNs = 100'000'000;  // before the first frame: the load processes have started by then
constexpr int64_t kPartsPerFrame = 25;    // how often a policy is asked

double to_ms(int64_t ns) {
  return static_cast<double>(ns) / 1e6;
}

SessionOptions session_options(const Model& model, int64_t burst) {
  SessionOptions options;
  options.max_images = burst;
  options.anytime = model.exit_plan() != nullptr;
  return options;
}

}  // namespace

Player::Player(std::shared_ptr<const Model> model, const RunContext& context, std::vector<PolicyMember> profile,
               double confidence)
    : model_(std::move(model)),
      context_(context),
      profile_(std::move(profile)),
      confidence_(confidence),
      first_exit_(context.members.size() > profile_.size() ? static_cast<int>(profile_.size()) : 0),
      probabilities_(model_->network().graph.nodes.back().op == Op::kSoftmax),
      session_(model_, session_options(*model_, context.burst)),
      answers_(static_cast<std::size_t>(context.burst * model_->outputs())) {}

void Player::play(Policy& policy, BurstSource& source, const std::function<void(FrameResult&)>& done) {
  const auto period = static_cast<int64_t>(context_.period_ms * 1e6);
  const auto deadline = static_cast<int64_t>(context_.deadline_ms * 1e6);
  int64_t arrival = now_ns() + kLeadNs - period;
  const int64_t first = arrival + period;
  LoadGenerator load(context_.load,
                     {{first + context_.first_loaded() * period, first + context_.end_loaded() * period}});
  for (int64_t f = 0; (context_.frames == 0 || f < context_.frames) && interrupted() == 0; ++f) {
    Burst burst;
    if (!source.next(&burst)) break;
    arrival += period;
    if (source.live()) arrival = std::max(arrival, now_ns());  // it comes when it comes
    FrameResult frame;
    frame.frame = f;
    frame.arrival = arrival;
    frame.loaded = context_.loaded(f);
    frame.images.resize(static_cast<std::size_t>(burst.images));
    frame.names.assign(burst.names.begin(), burst.names.end());
    sleep_until_ns(arrival);
    const Clock clock{now_ns(), arrival + deadline};
    frame.start = frame.end = clock.start;
    frame.skipped = clock.start >= clock.deadline;
    if (frame.skipped) {
      frame.reasons.emplace_back("skipped: its deadline had passed");
      for (ImageResult& image : frame.images) image.reason = 0;
    } else {
      answer(policy, burst, clock, frame);
    }
    done(frame);
  }
}

void Player::answer(Policy& policy, const Burst& burst, const Clock& clock, FrameResult& frame) {
  const Decision decision =
      policy.decide({burst.images, std::min(burst.images, (burst.images + kPartsPerFrame - 1) / kPartsPerFrame), 0, 0,
                     to_ms(clock.deadline - clock.start), -1, context_.period_ms});
  decision.anytime ? answer_anytime(policy, decision, burst, clock, frame)
                   : answer_in_parts(policy, decision, burst, clock, frame);
}

void Player::answer_in_parts(Policy& policy, Decision decision, const Burst& burst, const Clock& clock,
                             FrameResult& frame) {
  const int64_t part = (burst.images + kPartsPerFrame - 1) / kPartsPerFrame, outputs = model_->outputs();
  const std::size_t image_bytes = burst.pixels.size() / static_cast<std::size_t>(burst.images);
  double done = 0;
  for (int64_t i = 0; i < burst.images; i += part) {
    const int64_t count = std::min(part, burst.images - i), now = now_ns();
    if (i > 0)
      decision = policy.decide({burst.images - i, count, to_ms(now - clock.start), done, to_ms(clock.deadline - now),
                                decision.member, context_.period_ms});
    if (frame.reasons.empty() || frame.reasons.back() != decision.reason) frame.reasons.push_back(decision.reason);
    const auto reason = static_cast<int16_t>(frame.reasons.size() - 1);
    if (decision.give_up) {
      for (int64_t k = i; k < burst.images; ++k) frame.images[static_cast<std::size_t>(k)].reason = reason;
      break;
    }
    session_.select(decision.member);
    session_.infer(
        {.images = count,
         .pixels = burst.pixels.subspan(static_cast<std::size_t>(i) * image_bytes,
                                        static_cast<std::size_t>(count) * image_bytes),
         .planes = {},
         .height = burst.height,
         .width = burst.width},
        std::span(answers_).subspan(static_cast<std::size_t>(i * outputs), static_cast<std::size_t>(count * outputs)));
    done += profile_[static_cast<std::size_t>(decision.member)].image_ms * static_cast<double>(count);
    for (int64_t k = i; k < i + count; ++k) {
      ImageResult& image = frame.images[static_cast<std::size_t>(k)];
      image.member = static_cast<int16_t>(decision.member);
      image.reason = reason;
    }
  }
  frame.end = now_ns();
  frame.met = !decision.give_up && frame.end <= clock.deadline;
  policy.report({to_ms(frame.end - clock.start), done, frame.met});
  for (int64_t i = 0; i < burst.images && frame.images[static_cast<std::size_t>(i)].member >= 0; ++i)
    judge(burst, i,
          std::span(answers_).subspan(static_cast<std::size_t>(i * outputs), static_cast<std::size_t>(outputs)),
          frame.images[static_cast<std::size_t>(i)]);
}

// An image's answer counts from the moment it is published. What is published late is thrown away, so that the next
// frame does not wait for it.
void Player::answer_anytime(Policy& policy, const Decision& decision, const Burst& burst, const Clock& clock,
                            FrameResult& frame) {
  const int64_t leave = clock.deadline - static_cast<int64_t>(decision.leave_ms * 1e6);
  int64_t stop = clock.deadline, answered = 0, pause = 0, last = clock.start;
  const std::function<bool()> in_time = [&] { return now_ns() < stop; };
  const Batch batch{burst.images, burst.pixels, {}, burst.height, burst.width};
  const std::span<float> answer = std::span(answers_).first(static_cast<std::size_t>(model_->outputs()));
  order_.start(burst.images, model_->exits(), confidence_ > 0 ? confidence_ : 2);
  for (AnytimeOrder::Step step = order_.next(); step.image >= 0; step = order_.next()) {
    if (!session_.advance(batch, step.image, step.exit, answer, in_time)) break;
    const int64_t published = now_ns();
    if (published > clock.deadline) break;
    ImageResult& image = frame.images[static_cast<std::size_t>(step.image)];
    judge(burst, step.image, answer, image);
    image.member = static_cast<int16_t>(first_exit_ + step.exit);
    order_.published(static_cast<double>(image.confidence));
    frame.end = published;
    pause = std::max(pause, published - last);
    last = published;
    if (answered == 0 && order_.all_answered()) {
      answered = published;
      stop = leave;
    }
  }
  const bool left = order_.next().image >= 0 && stop < clock.deadline;
  frame.met = order_.all_answered();
  if (!frame.met) frame.end = answered = now_ns();
  policy.report({to_ms(frame.end - clock.start), 0, frame.met, to_ms(answered - clock.start), to_ms(pause)});
  std::vector<int16_t> reasons(2 * static_cast<std::size_t>(model_->exits()) + 2, -1);
  for (ImageResult& image : frame.images) {
    const int exit = image.member < 0 ? -1 : image.member - first_exit_;
    const bool sure = confidence_ > 0 && static_cast<double>(image.confidence) >= confidence_;
    int16_t& reason = reasons[static_cast<std::size_t>(2 * (exit + 1) + sure)];
    if (reason < 0) {
      reason = static_cast<int16_t>(frame.reasons.size());
      frame.reasons.push_back(why_stopped(exit, sure, left));
    }
    image.reason = reason;
  }
}

std::string Player::why_stopped(int exit, bool sure, bool left) const {
  const int exits = model_->exits();
  if (exit < 0) return "nothing was published by the deadline";
  if (exit + 1 == exits) return fmt::format("exit {} of {}: complete", exit + 1, exits);
  if (sure) return fmt::format("exit {} of {}: confidence is at least {:g}", exit + 1, exits, confidence_);
  return fmt::format(
      "exit {} of {}: {}", exit + 1, exits,
      left ? "left early, the core is too busy for the next frame" : "the best published by the deadline");
}

void Player::judge(const Burst& burst, int64_t image, std::span<const float> answer, ImageResult& result) const {
  result.answer = static_cast<int32_t>(std::max_element(answer.begin(), answer.end()) - answer.begin());
  result.confidence = static_cast<float>(softmax_confidence(answer, probabilities_));
  result.right = !burst.labels.empty() && result.answer == burst.labels[static_cast<std::size_t>(image)];
}

}  // namespace limber::tool
