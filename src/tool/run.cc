// SPDX-License-Identifier: Apache-2.0
// `limber run MODEL`: adaptive inference on frames under a deadline, policies side by side.
#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <numeric>
#include <random>

#include "base/error.h"
#include "formats/data_set.h"
#include "formats/model_file.h"
#include "manager/policy.h"
#include "network/session.h"
#include "platform/clock.h"
#include "platform/energy.h"
#include "platform/machine.h"
#include "tool/command.h"
#include "tool/load_generator.h"

namespace limber::tool {
namespace {

struct Options {
  std::string model, data, split = "test", policy = "dynamic", burst = "auto", trace;
  double deadline_ms = 33;
  int64_t frames = 600;
  uint64_t seed = 1;
  int rounds = 1, load = 0, core = -1;
  bool json = false;
};

struct Frame {
  std::vector<uint8_t> pixels;
  std::vector<int32_t> labels;
};

struct Tally {
  std::string policy;
  int64_t frames[2] = {0, 0}, met[2] = {0, 0};  // [loaded]
  int64_t images = 0, right_in_time = 0, answered = 0, right_answered = 0;
  std::vector<double> latencies;  // of the frames that were answered, late ones too
  double energy_mj = 0;
};

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<long>(values.size() / 2), values.end());
  return values[values.size() / 2];
}

double to_ms(int64_t ns) {
  return static_cast<double>(ns) / 1e6;
}

class Runner {
 public:
  explicit Runner(const Options& options)
      : options_(options),
        model_(Model::build(read_model(options.model))),
        images_(read_data_set(data_name(), options.split)) {
    check_images();
    size_burst();
    answers_.resize(static_cast<size_t>(burst_ * outputs()));
    SessionOptions settings;
    settings.max_images = burst_;
    settings.anytime = model_->exit_plan() != nullptr;
    session_ = std::make_unique<Session>(model_, settings);
    make_policies();
    if (!options.trace.empty()) {
      trace_.open(options.trace);
      if (!trace_) fail(ErrorCode::kIo, "{}: cannot be written", options.trace);
    }
  }

  void run() {
    sensor_ = EnergySensor::find(no_sensor_);
    if (!options_.json) {
      fmt::print("{} on {}: frames of {} images ({:.2f} ms at {}), deadline and period {} ms, {} load processes\n",
                 options_.model, images_.name, burst_, profile_.back().image_ms * static_cast<double>(burst_),
                 profile_.back().name, options_.deadline_ms, options_.load);
    }
    std::mt19937_64 random(options_.seed);
    std::vector<size_t> order(policies_.size());
    std::iota(order.begin(), order.end(), 0);
    for (int round = 0; round < options_.rounds; ++round) {
      std::shuffle(order.begin(), order.end(), random);
      const uint64_t bursts = random();  // the same images for every policy of the round
      for (size_t p : order) {
        play(p, bursts);
        if (!options_.json) progress(round, tallies_[p]);
      }
    }
    if (trace_.is_open() && !trace_.flush()) fail(ErrorCode::kIo, "{}: the disk is full", options_.trace);
    options_.json ? print_json() : print_table();
  }

 private:
  int64_t outputs() const { return model_->outputs(0); }
  int largest() const { return model_->members() - 1; }
  int64_t image_bytes() const { return images_.height * images_.width * images_.channels; }

  std::string data_name() const {
    if (!options_.data.empty()) return options_.data;
    if (model_->member(0).accuracies.empty())
      fail(ErrorCode::kInvalidArgument, "{} names no data set: give one with --data", options_.model);
    return model_->member(0).accuracies[0].data;
  }

  void check_images() const {
    for (int m = 0; m < model_->members(); ++m) {
      if (images_.height != model_->input_height(m) || images_.width != model_->input_width(m) ||
          images_.channels != model_->input_channels(m))
        fail(ErrorCode::kInvalidArgument, "{}: images of {}x{}x{}, but member '{}' reads {}x{}x{}", images_.name,
             images_.height, images_.width, images_.channels, model_->member(m).name, model_->input_height(m),
             model_->input_width(m), model_->input_channels(m));
    }
    if (static_cast<int64_t>(images_.classes.size()) > outputs())
      fail(ErrorCode::kInvalidArgument, "{}: {} classes, but the model answers with {}", images_.name,
           images_.classes.size(), outputs());
  }

  // Median time of one image of every member, in batches; then a burst of a third of the deadline at the largest.
  void size_burst() {
    const int64_t batch = std::min<int64_t>(32, images_.count);
    answers_.resize(static_cast<size_t>(batch * outputs()));
    Session session(model_);
    for (int m = 0; m < model_->members(); ++m) {
      session.select(m);
      std::vector<double> times;
      for (int i = 0; i < 40; ++i) {
        const int64_t start = now_ns();
        session.infer({.images = batch, .pixels = pixels(images_.pixels, 0, batch), .planes = {}}, answers_);
        if (i >= 5) times.push_back(to_ms(now_ns() - start));
      }
      profile_.push_back({model_->member(m).name, median(times) / static_cast<double>(batch)});
    }
    if (options_.burst == "auto") {
      burst_ = std::clamp<int64_t>(std::llround(options_.deadline_ms / 3 / profile_.back().image_ms), 1, images_.count);
      return;
    }
    burst_ = std::strtoll(options_.burst.c_str(), nullptr, 10);
    if (burst_ < 1 || burst_ > images_.count)
      fail(ErrorCode::kInvalidArgument, "--burst {}: legal are auto and 1..{}", options_.burst, images_.count);
  }

  void make_policies() {
    std::string names = options_.policy;
    if (names == "all") {
      names.clear();
      for (const PolicyMember& member : profile_) names += "static:" + member.name + ",";
      names += model_->exit_plan() ? "dynamic,anytime" : "dynamic";
    }
    for (size_t from = 0; from <= names.size();) {
      const size_t comma = std::min(names.find(',', from), names.size());
      policies_.push_back(make_policy(names.substr(from, comma - from), profile_));
      if (policies_.back()->name() == "anytime" && !model_->exit_plan())
        fail(ErrorCode::kUnsupported, "{}: its members do not nest, so there is no anytime policy", options_.model);
      tallies_.emplace_back();
      tallies_.back().policy = policies_.back()->name();
      from = comma + 1;
    }
  }

  std::span<const uint8_t> pixels(const std::vector<uint8_t>& from, int64_t first, int64_t count) const {
    return std::span(from).subspan(static_cast<size_t>(first * image_bytes()),
                                   static_cast<size_t>(count * image_bytes()));
  }

  void fill(Frame& frame, std::mt19937_64& random) const {
    frame.pixels.clear();
    frame.labels.clear();
    for (int64_t i = 0; i < burst_; ++i) {
      const auto image = static_cast<int64_t>(random() % static_cast<uint64_t>(images_.count));
      const auto from = pixels(images_.pixels, image, 1);
      frame.pixels.insert(frame.pixels.end(), from.begin(), from.end());
      frame.labels.push_back(images_.labels[static_cast<size_t>(image)]);
    }
  }

  // One policy's trace: thirds without, with and without load. Frames are prepared before the clock starts.
  void play(size_t p, uint64_t bursts) {
    Policy& policy = *policies_[p];
    Tally& tally = tallies_[p];
    std::mt19937_64 random(bursts);
    std::vector<Frame> ring(32);
    for (Frame& frame : ring) fill(frame, random);
    const auto period = static_cast<int64_t>(options_.deadline_ms * 1e6);
    const int64_t begin = now_ns() + 100'000'000, third = options_.frames / 3;
    LoadGenerator load(options_.load, {{begin + third * period, begin + 2 * third * period}});
    if (sensor_) sensor_->millijoules();
    const double energy = sensor_ ? sensor_->millijoules() : 0;
    for (int64_t f = 0; f < options_.frames; ++f) {
      const int64_t arrival = begin + f * period, deadline = arrival + period;
      const bool loaded = options_.load > 0 && f >= third && f < 2 * third;
      const Frame& frame = ring[random() % ring.size()];
      ++tally.frames[loaded];
      tally.images += burst_;
      sleep_until_ns(arrival);
      const int64_t start = now_ns();
      if (start >= deadline) {
        record(policy, f, arrival, start, start, "", "skipped: its deadline had passed", 0, false, 0);
        continue;
      }
      answer(policy, tally, frame, f, arrival, deadline, loaded);
    }
    if (sensor_) tally.energy_mj += sensor_->millijoules() - energy;
  }

  void answer(Policy& policy, Tally& tally, const Frame& frame, int64_t f, int64_t arrival, int64_t deadline,
              bool loaded) {
    const int64_t start = now_ns();
    Decision decision = policy.decide({burst_, 0, 0, to_ms(deadline - start), -1});
    int64_t end = 0;
    int member = decision.member;
    if (decision.anytime) {
      member = -1;
      session_->infer_anytime(
          {.images = burst_, .pixels = frame.pixels, .planes = {}}, answers_,
          [&](int exit) {
            const int64_t published = now_ns();
            if (published > deadline && member >= 0) return false;
            best_ = answers_;  // same size: no allocation after the first frame
            member = exit;
            end = published;
            return published < deadline;
          },
          [&] { return member < 0 || now_ns() < deadline; });
      answers_.swap(best_);
    } else {
      const int64_t part = std::max<int64_t>(1, burst_ / 25);
      double done = 0;
      std::string reason = decision.reason;
      for (int64_t i = 0; i < burst_; i += part) {
        const int64_t count = std::min(part, burst_ - i);
        if (i > 0) {
          decision = policy.decide({burst_ - i, to_ms(now_ns() - start), done, to_ms(deadline - now_ns()), member});
          if (decision.member != member) reason = decision.reason;
          member = decision.member;
        }
        session_->select(member);
        session_->infer(
            {.images = count, .pixels = pixels(frame.pixels, i, count), .planes = {}},
            std::span(answers_).subspan(static_cast<size_t>(i * outputs()), static_cast<size_t>(count * outputs())));
        done += profile_[static_cast<size_t>(member)].image_ms * static_cast<double>(count);
      }
      end = now_ns();
      decision.reason = reason;
      policy.report({to_ms(end - start), done, end <= deadline});
    }
    const bool met = end <= deadline;
    double confidence = 0;
    const int64_t right = count_right(frame, confidence);
    tally.met[loaded] += met;
    tally.answered += burst_;
    tally.right_answered += right;
    if (met) tally.right_in_time += right;
    tally.latencies.push_back(to_ms(end - arrival));
    record(policy, f, arrival, start, end, model_->member(member).name, decision.reason, confidence, met, right);
  }

  // Right answers, and the mean softmax confidence; answers may be logits or probabilities already.
  int64_t count_right(const Frame& frame, double& confidence) const {
    int64_t right = 0;
    for (int64_t i = 0; i < burst_; ++i) {
      const auto answer =
          std::span(answers_).subspan(static_cast<size_t>(i * outputs()), static_cast<size_t>(outputs()));
      const auto top = std::max_element(answer.begin(), answer.end());
      right += top - answer.begin() == frame.labels[static_cast<size_t>(i)];
      double sum = 0, plain = 0;
      for (float value : answer) {
        sum += std::exp(value - *top);
        plain += value;
      }
      const bool probabilities = std::abs(plain - 1) < 1e-3 && *std::min_element(answer.begin(), answer.end()) >= 0;
      confidence += (probabilities ? static_cast<double>(*top) : 1 / sum) / static_cast<double>(burst_);
    }
    return right;
  }

  void record(const Policy& policy, int64_t f, int64_t arrival, int64_t start, int64_t end, const std::string& member,
              const std::string& reason, double confidence, bool met, int64_t right) {
    if (!trace_.is_open()) return;
    trace_ << nlohmann::json({{"policy", policy.name()},
                              {"frame", f},
                              {"arrival_ns", arrival},
                              {"start_ms", to_ms(start - arrival)},
                              {"end_ms", to_ms(end - arrival)},
                              {"member", member},
                              {"reason", reason},
                              {"confidence", confidence},
                              {"met", met},
                              {"right", right}})
                  .dump()
           << "\n";
  }

  static double share(int64_t part, int64_t whole) {
    return whole ? static_cast<double>(part) / static_cast<double>(whole) : 0;
  }
  static double mean(const Tally& tally) {
    if (tally.latencies.empty()) return 0;
    return std::accumulate(tally.latencies.begin(), tally.latencies.end(), 0.0) /
           static_cast<double>(tally.latencies.size());
  }
  static double p99(const Tally& tally) {
    if (tally.latencies.empty()) return 0;
    std::vector<double> sorted = tally.latencies;
    std::sort(sorted.begin(), sorted.end());
    return sorted[(sorted.size() - 1) * 99 / 100];
  }

  void progress(int round, const Tally& tally) const {
    fmt::print("round {}: {:<13} {} of {} deadlines met so far\n", round + 1, tally.policy, tally.met[0] + tally.met[1],
               tally.frames[0] + tally.frames[1]);
    std::fflush(stdout);
  }

  // The static member that would have been best, known only afterwards.
  const Tally* best_static() const {
    const Tally* best = nullptr;
    for (const Tally& tally : tallies_) {
      if (tally.policy.rfind("static:", 0) != 0) continue;
      if (!best || share(tally.right_in_time, tally.images) > share(best->right_in_time, best->images)) best = &tally;
    }
    return best;
  }

  void print_table() const {
    fmt::print("\n{:<13} {:>9} {:>9} {:>8} {:>8} {:>12} {:>13}  {}\n", "policy", "unloaded", "loaded", "mean ms",
               "p99 ms", "top1_in_time", "top1_answered", "energy");
    const Tally* best = best_static();
    for (const Tally& t : tallies_) {
      const std::string loaded = t.frames[1] ? fmt::format("{:.1f} %", 100 * share(t.met[1], t.frames[1])) : "-";
      fmt::print("{:<13} {:>7.1f} % {:>9} {:>8.2f} {:>8.2f} {:>10.2f} % {:>11.2f} %  {}{}\n", t.policy,
                 100 * share(t.met[0], t.frames[0]), loaded, mean(t), p99(t), 100 * share(t.right_in_time, t.images),
                 100 * share(t.right_answered, t.answered),
                 sensor_ ? fmt::format("{:.0f} mJ", t.energy_mj) : "no sensor",
                 &t == best ? "  <- best static member in hindsight" : "");
    }
  }

  void print_json() const {
    nlohmann::json summary = nlohmann::json::array();
    for (const Tally& t : tallies_) {
      nlohmann::json row = {{"policy", t.policy},
                            {"frames", t.frames[0] + t.frames[1]},
                            {"deadlines_met", share(t.met[0] + t.met[1], t.frames[0] + t.frames[1])},
                            {"deadlines_met_unloaded", share(t.met[0], t.frames[0])},
                            {"mean_ms", mean(t)},
                            {"p99_ms", p99(t)},
                            {"top1_in_time", share(t.right_in_time, t.images)},
                            {"top1_answered", share(t.right_answered, t.answered)},
                            {"best_static", &t == best_static()}};
      row["deadlines_met_loaded"] = t.frames[1] ? nlohmann::json(share(t.met[1], t.frames[1])) : nlohmann::json();
      row["energy_mj"] = sensor_ ? nlohmann::json(t.energy_mj) : nlohmann::json();
      summary.push_back(row);
    }
    fmt::print("{}\n", nlohmann::json({{"burst", burst_}, {"summary", summary}}).dump());
  }

  Options options_;
  std::shared_ptr<const Model> model_;
  Images images_;
  int64_t burst_ = 1;
  std::vector<PolicyMember> profile_;
  std::vector<std::unique_ptr<Policy>> policies_;
  std::vector<Tally> tallies_;
  std::unique_ptr<Session> session_;
  std::vector<float> answers_, best_;
  std::ofstream trace_;
  std::optional<EnergySensor> sensor_;
  std::string no_sensor_;
};

}  // namespace

void add_run_command(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("run", "adaptive inference on frames under a deadline");
  command->footer("Example: limber run models/fashion-incremental.safetensors --policy all --load 3 --core 0");
  command->add_option("model", options->model, "a model file")->required();
  command->add_option("--data", options->data, "a data set's name or path; default: the one stored in the model");
  command->add_option("--split", options->split)->check(CLI::IsMember({"train", "validation", "test"}));
  command->add_option("--policy", options->policy, "static:<member>, dynamic, anytime, several with commas, or all");
  command->add_option("--deadline-ms", options->deadline_ms, "deadline and period, from a frame's nominal arrival")
      ->check(CLI::Range(0.1, 60000.0));
  command->add_option("--burst", options->burst, "images a frame; auto: a third of the deadline at the largest member");
  command->add_option("--frames", options->frames, "frames of each policy's trace")->check(CLI::Range(3, 10'000'000));
  command->add_option("--rounds", options->rounds, "how often each policy's trace is played, interleaved")
      ->check(CLI::Range(1, 1000));
  command->add_option("--seed", options->seed, "of the bursts and of the order of the policies");
  command->add_option("--load", options->load, "busy processes on the same core in the middle third")
      ->check(CLI::Range(0, 64));
  command->add_option("--core", options->core, "the core to run on; default: the first allowed one");
  command->add_option("--trace", options->trace, "write one JSON line a frame to this file");
  command->add_flag("--json", options->json, "print one JSON object");
  command->callback([options] {
    pin_thread({options->core >= 0 ? options->core : allowed_cpus().front()});
    Runner(*options).run();
  });
}

}  // namespace limber::tool
