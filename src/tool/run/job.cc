// SPDX-License-Identifier: Apache-2.0
#include "tool/run/job.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>
#include <optional>
#include <random>

#include "base/error.h"
#include "formats/model_file.h"
#include "manager/accuracy_floor.h"
#include "platform/clock.h"
#include "platform/energy.h"
#include "platform/machine.h"
#include "tool/measuring.h"
#include "tool/run/interrupt.h"
#include "tool/run/managed.h"
#include "tool/run/player.h"
#include "tool/run/plot.h"
#include "tool/run/table.h"
#include "tool/run/timing.h"
#include "tool/run/trace.h"

namespace limber::tool {

namespace {

constexpr int64_t kDataFrames = 600;
constexpr int64_t kImagesKept = int64_t{1} << 26;  // traced images that wait in memory for the end of a play

// What the pictures of a stream are fitted to: the largest member's input, which the session resizes for the others. Of
// models that crop pictures stay as they are, since their aspect counts.
ImageShape input_shape(const Model& model) {
  for (int m = 1; m < model.members(); ++m) {
    if (model.input_channels(m) != model.input_channels(0) || model.outputs(m) != model.outputs(0))
      fail(ErrorCode::kUnsupported,
           "members '{}' and '{}' read different channels or answer different sizes; run switches between members of "
           "one",
           model.member(0).name, model.member(m).name);
  }
  if (model.network().preprocessing.crop != 0) return {0, 0, model.input_channels()};
  return {model.input_height(), model.input_width(), model.input_channels()};
}

std::unique_ptr<BurstSource> make_source(const RunOptions& options, const Model& model) {
  const ImageShape shape = input_shape(model);
  if (!options.input.empty()) {
    const int64_t burst = options.burst == "auto" ? 1 : burst_size(options.burst, 0, 1, kMostBurst);
    return make_stream_source(options.input, shape, options.frames * burst);
  }
  std::string data = options.data;
  for (const Accuracy& accuracy : model.member(0).accuracies) {
    if (data.empty() && accuracy.split == options.split) data = accuracy.data;
  }
  if (data.empty())
    fail(ErrorCode::kInvalidArgument, "{} names no data set for split '{}': give --data or --input", options.model,
         options.split);
  return make_data_source(read_data_set(data, options.split), shape.channels, model.outputs());
}

void warn(const std::string& text) {
  fmt::print(stderr, "limber: warning: {}\n", text);
}

std::vector<PolicyMember> with_accuracies(std::vector<PolicyMember> profile, const Model& model) {
  for (PolicyMember& member : profile) {
    if (const auto stored = stored_accuracy(model, model.find_member(member.name))) member.top1 = stored->top1;
  }
  return profile;
}

class Job {
 public:
  explicit Job(const RunOptions& options)
      : options_(options),
        model_(Model::build(read_model(options.model))),
        source_(make_source(options, *model_)),
        profile_(options.profile.empty() ? time_members(model_) : read_members(options.profile, *model_, warn)),
        policies_(options.policy == "managed" ? std::vector<std::unique_ptr<Policy>>()
                                              : make_policies(options.policy, with_accuracies(profile_, *model_),
                                                              model_->exit_plan() != nullptr, options.accuracy_floor)) {
    sensor_ = EnergySensor::find(context_.no_sensor, options.power_from);
    fill_context();
    if (options.policy == "managed") open_managed();
    for (const auto& policy : policies_) context_.policies.push_back(policy->name());
    for (const auto& policy : policies_) tallies_.emplace_back(policy->name(), context_.members.size());
    if (!options.trace.empty()) trace_.emplace(options.trace);
    if (!options.plot.empty()) plot_.emplace(options.plot);
  }

  void run() {
    if (!options_.json) fmt::print("{}\n", heading(context_));
    std::fflush(stdout);
    if (trace_) trace_->begin(context_);
    {
      const InterruptGuard guard;
      play_all();
    }
    nlohmann::json summary = summary_json(tallies_, context_);
    if (managed_ != nullptr) summary["managed"] = managed_->json();
    if (options_.json) {
      fmt::print("{}", json_line(summary));
    } else {
      fmt::print("{}", closing_table(tallies_, context_));
      if (managed_ != nullptr) fmt::print("{}\n", managed_->summary());
    }
    std::fflush(stdout);
    if (trace_) trace_->finish(summary);
    if (plot_) plot_->finish(tallies_, context_);
    if (!options_.json && trace_) fmt::print("trace: {}\n", options_.trace);
    if (!options_.json && plot_) fmt::print("picture: {}\n", options_.plot);
  }

 private:
  void fill_context() {
    context_.model = model_->network().name.empty() ? options_.model : model_->network().name;
    context_.source = source_->name();
    context_.classes = model_->network().labels;
    for (const PolicyMember& member : profile_) {
      context_.members.push_back(member.name);
      context_.member_image_ms.push_back(member.image_ms);
    }
    const std::vector<Node>& nodes = model_->network().graph.nodes;
    if (std::any_of(nodes.begin(), nodes.end(), [](const Node& node) { return node.exit > 0; })) {
      for (int exit = 1; exit <= model_->exits(); ++exit) context_.members.push_back(fmt::format("exit {}", exit));
    }
    context_.period_ms = options_.period_ms;
    context_.deadline_ms = options_.deadline_ms > 0 ? options_.deadline_ms : options_.period_ms;
    const bool stream = !options_.input.empty();
    context_.burst = stream && options_.burst == "auto"
                         ? 1
                         : burst_size(options_.burst, context_.deadline_ms / 3, profile_.back().image_ms, kMostBurst);
    context_.frames = stream ? stream_frames() : options_.frames > 0 ? options_.frames : kDataFrames;
    set_load();
    set_floor();
    context_.rounds = options_.rounds;
    context_.labelled = source_->labelled();
    context_.energy_sensor = sensor_.has_value();
  }

  void open_managed() {
    ManagedRun run;
    run.socket = options_.socket;
    run.name = context_.model;
    run.burst = context_.burst;
    run.period_ms = context_.period_ms;
    run.deadline_ms = context_.deadline_ms;
    run.accuracy_floor = options_.accuracy_floor;
    run.weight = options_.weight;
    run.home = allowed_cpus();
    auto policy = std::make_unique<ManagedPolicy>(with_accuracies(profile_, *model_), run);
    managed_ = policy.get();
    policies_.push_back(std::move(policy));
  }

  void set_load() {
    context_.load = options_.load;
    if (options_.load_at.empty()) return;
    const auto [from, to] = parse_seconds(options_.load_at);
    context_.load = std::max(1, options_.load);
    context_.load_from = std::llround(from * 1000 / context_.period_ms);
    context_.load_to = std::llround(to * 1000 / context_.period_ms);
    if (context_.frames > 0 && context_.load_from >= context_.frames)
      fail(ErrorCode::kInvalidArgument, "--load-at {}: a trace of {} frames ends after {:g} s; give more --frames",
           options_.load_at, context_.frames, static_cast<double>(context_.frames) * context_.period_ms / 1000);
  }

  void set_floor() {
    context_.accuracy_floor = options_.accuracy_floor;
    if (options_.accuracy_floor <= 0) return;
    const std::vector<int> above = members_above(with_accuracies(profile_, *model_), options_.accuracy_floor);
    for (std::size_t m = 0; m < profile_.size(); ++m) {
      if (std::find(above.begin(), above.end(), static_cast<int>(m)) == above.end())
        context_.below_floor.push_back(profile_[m].name);
    }
  }

  // 0: a live stream's end is not known.
  int64_t stream_frames() const {
    if (source_->images() < 0) return options_.frames;
    const int64_t there = (source_->images() + context_.burst - 1) / context_.burst;
    return options_.frames > 0 ? std::min(options_.frames, there) : there;
  }

  void play_all() {
    Player player(model_, context_, profile_, options_.confidence);
    LiveTable live(context_, options_.json ? LiveTable::Style::kOff : LiveTable::style_for(options_.quiet));
    std::mt19937_64 random(options_.seed);
    std::vector<int> order(policies_.size());
    std::iota(order.begin(), order.end(), 0);
    for (int round = 0; round < options_.rounds && interrupted() == 0; ++round) {
      for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random() % i]);
      const uint64_t images = random();  // the same for every policy of the round
      for (const int policy : order) {
        if (interrupted() != 0) break;
        source_->rewind(images, context_.burst);
        play(player, live, policy, round);
      }
    }
  }

  void play(Player& player, LiveTable& live, int policy, int round) {
    Tally& tally = tallies_[static_cast<std::size_t>(policy)];
    const double energy = sensor_ ? sensor_->millijoules() : 0;
    const bool unbounded = context_.frames == 0 || context_.frames * context_.burst > kImagesKept;
    player.play(*policies_[static_cast<std::size_t>(policy)], *source_, [&](FrameResult& frame) {
      frame.policy = policy;
      frame.round = round;
      tally.add(frame);
      if (sensor_) sensor_->millijoules();
      if (managed_ != nullptr && frame.skipped) managed_->skipped();
      if (plot_) plot_->add(frame, context_);
      if (options_.json && !options_.input.empty()) {
        fmt::print("{}", json_line(TraceWriter::line(frame, context_)));
        std::fflush(stdout);
      }
      if (trace_) {
        trace_->add(frame);
        if (unbounded) trace_->flush();
      }
      live.frame(tallies_, frame, now_ns());
    });
    if (sensor_) tally.energy_mj += sensor_->millijoules() - energy;
    if (trace_) trace_->flush();
  }

  RunOptions options_;
  std::shared_ptr<const Model> model_;
  std::unique_ptr<BurstSource> source_;
  std::vector<PolicyMember> profile_;
  std::vector<std::unique_ptr<Policy>> policies_;
  ManagedPolicy* managed_ = nullptr;  // of policies_, where it plays
  RunContext context_;
  std::vector<Tally> tallies_;
  std::optional<EnergySensor> sensor_;
  std::optional<TraceWriter> trace_;
  std::optional<Plot> plot_;
};

}  // namespace

void run_job(const RunOptions& options) {
  check_options(options);
  if (!options.unpinned) pin_thread({options.core >= 0 ? options.core : allowed_cpus().front()});
  Job(options).run();
}

}  // namespace limber::tool
