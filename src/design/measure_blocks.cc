// SPDX-License-Identifier: Apache-2.0
#include "design/measure_blocks.h"

#include <algorithm>
#include <cmath>
#include <random>

#include "base/error.h"
#include "base/statistics.h"
#include "design/choice_sampler.h"
#include "design/find_blocks.h"
#include "network/plan.h"
#include "network/session.h"
#include "platform/energy.h"
#include "platform/samples.h"

namespace limber {
namespace {

constexpr std::size_t kMostMembers = 1000;
constexpr int64_t kLeastRounds = 12;
constexpr double kSpread = 0.2;         // of a reliable block's median: its median deviation at most
constexpr double kEnergySeconds = 0.5;  // of each sub-network; the counters move about once a millisecond

// A sub-network that is run in turns with the others.
struct Runner {
  Choice choice;
  bool checked = false;               // predicted and measured, not part of the table
  std::vector<Samples*> times;        // of each of its blocks
  std::vector<std::size_t> block_of;  // of each step
  std::vector<std::size_t> visited;   // blocks of the last inference, in order
  std::vector<int64_t> moments;       // of their begins, and of the end
  Samples whole, overhead;
};

class Measurement {
 public:
  Measurement(const Network& network, const MeasureBlocksOptions& options) : options_(options) {
    const Graph& graph = network.graph;
    report("looking for blocks", 0, 1);
    const std::map<std::string, Choice> blocks = find_blocks(graph, options.seed);
    const std::vector<Choice> covering = covering_choices(graph, blocks, options.seed);
    std::vector<Choice> choices = covering;
    for (const Choice& choice : sample_choices(graph, options.checks, options.seed + 1)) choices.push_back(choice);
    if (choices.size() > kMostMembers) {
      fail(ErrorCode::kUnsupported,
           "network '{}': {} sub-networks are needed to see its {} blocks; legal: up to {}; measure a smaller design "
           "space",
           network.name, choices.size(), blocks.size(), kMostMembers);
    }
    Network family = network;
    family.family.clear();
    for (std::size_t i = 0; i < choices.size(); ++i) {
      runners_.push_back({choices[i], i >= covering.size(), {}, {}, {}, {}, {}, {}});
      family.family.push_back({fmt::format("choice {}", i), choices[i], {}, {}});
    }
    ModelOptions building;
    building.isa = options.isa;
    building.use_cache = false;
    model_ = Model::build(std::move(family), building);
    for (std::size_t i = 0; i < runners_.size(); ++i) prepare(graph, i);
    SessionOptions session;
    session.cores = {options.core < 0 ? allowed_cpus().front() : options.core};
    core_ = session.cores.front();
    session.stepped = [this](std::size_t step) { stepped(step); };
    session_ = std::make_unique<Session>(model_, session);
    std::mt19937 random(1);
    const auto most = static_cast<std::size_t>(largest_input());
    for (std::size_t i = 0; i < most; ++i) pixels_.push_back(static_cast<uint8_t>(random()));
  }

  BlockTable run() {
    const int64_t begin = now_ns();
    const auto seconds = [&] { return static_cast<double>(now_ns() - begin) * 1e-9; };
    for (int64_t round = 0; round < kLeastRounds || seconds() < options_.seconds; ++round) {
      const auto share = std::min(seconds() / std::max(options_.seconds, 1e-9),
                                  static_cast<double>(round) / static_cast<double>(kLeastRounds));
      report("timing", static_cast<int64_t>(1000 * std::min(share, 1.0)), 1000);
      for (std::size_t i = 0; i < runners_.size(); ++i) time(i);
    }
    report("timing", 1000, 1000);
    BlockTable table;
    table.key = key();
    std::vector<double> overheads;
    for (const Runner& runner : runners_) {
      if (!runner.checked) overheads.push_back(median(runner.overhead.values()));
    }
    table.overhead_ms = std::max(median(overheads), 0.0);
    for (const auto& [shape, samples] : times_) {
      const std::vector<double> values = samples.values();
      BlockTime time;
      time.median_ms = median(values);
      time.deviation_ms = median_deviation(values);
      time.samples = static_cast<int64_t>(values.size());
      time.left_out = static_cast<int64_t>(samples.left_out());
      time.unreliable = samples.unreliable() || time.deviation_ms > kSpread * time.median_ms;
      table.blocks.emplace(shape, time);
    }
    check(&table);
    measure_power(&table);
    return table;
  }

 private:
  void report(const char* phase, int64_t done, int64_t all) const {
    if (options_.progress) options_.progress(phase, done, all);
  }

  int64_t largest_input() const {
    int64_t most = 0;
    for (int m = 0; m < model_->members(); ++m) most = std::max(most, input_size(m));
    return most;
  }
  int64_t input_size(int member) const {
    return model_->input_height(member) * model_->input_width(member) * model_->input_channels(member);
  }

  void prepare(const Graph& graph, std::size_t index) {
    Runner& runner = runners_[index];
    if (runner.checked) return;
    const SubNetwork sub = resolve(graph, runner.choice);
    std::vector<std::size_t> of_position;
    for (const Block& block : blocks_of(graph, sub)) {
      of_position.resize(block.last + 1, runner.times.size());
      runner.times.push_back(&times_[block.shape]);
    }
    for (const Step& step : model_->plan(static_cast<int>(index)).steps) {
      const int position = sub.position[static_cast<std::size_t>(step.node)];
      runner.block_of.push_back(of_position[static_cast<std::size_t>(position)]);
    }
    runner.visited.reserve(runner.block_of.size());
    runner.moments.reserve(runner.block_of.size() + 1);
  }

  // The clock is read where another block begins: some 20 ns each.
  void stepped(std::size_t step) {
    if (running_ == nullptr) return;
    Runner& runner = *running_;
    if (step == runner.block_of.size()) {
      runner.moments.push_back(now_ns());
    } else if (runner.visited.empty() || runner.visited.back() != runner.block_of[step]) {
      runner.visited.push_back(runner.block_of[step]);
      runner.moments.push_back(now_ns());
    }
  }
  void time(std::size_t index) {
    Runner& runner = runners_[index];
    active_ = static_cast<int>(index);
    session_->select(active_);
    const Batch batch{1, std::span(pixels_).first(static_cast<std::size_t>(input_size(active_))), {}};
    answers_.resize(static_cast<std::size_t>(model_->outputs(active_)));
    session_->infer(batch, answers_);  // not timed: what it finds in the caches is another sub-network's
    runner.visited.clear();
    runner.moments.clear();
    running_ = runner.checked ? nullptr : &runner;
    const Stopwatch watch;
    session_->infer(batch, answers_);
    const Timed whole = watch.stop();
    running_ = nullptr;
    runner.whole.add(whole);
    if (runner.checked) return;
    for (std::size_t i = 0; i < runner.visited.size(); ++i) {
      const double ms = static_cast<double>(runner.moments[i + 1] - runner.moments[i]) * 1e-6;
      runner.times[runner.visited[i]]->add({ms, whole.calm});
    }
    const double inside = static_cast<double>(runner.moments.back() - runner.moments.front()) * 1e-6;
    runner.overhead.add({whole.ms - inside, whole.calm});
  }

  void check(BlockTable* table) const {
    BlockTableCheck check;
    for (const Runner& runner : runners_) {
      if (!runner.checked) continue;
      const double measured = median(runner.whole.values());
      const double error = std::abs(table->latency_ms(model_->network().graph, runner.choice) - measured) / measured;
      check.mean_error += error;
      check.worst_error = std::max(check.worst_error, error);
      ++check.sub_networks;
    }
    if (check.sub_networks == 0) return;
    check.mean_error /= static_cast<double>(check.sub_networks);
    table->check = check;
  }

  void measure_power(BlockTable* table) {
    std::string reason;
    auto sensor = EnergySensor::find(reason);
    if (!sensor) return;
    double spent_mj = 0, spent_s = 0;
    for (std::size_t i = 0; i < std::min<std::size_t>(runners_.size(), 4); ++i) {
      const double before = sensor->millijoules();
      const int64_t begin = now_ns();
      while (static_cast<double>(now_ns() - begin) < kEnergySeconds * 1e9) {
        sensor->millijoules();
        time(i);
      }
      spent_mj += sensor->millijoules() - before;
      spent_s += static_cast<double>(now_ns() - begin) * 1e-9;
    }
    table->energy = {spent_mj * 1e-3 / spent_s, sensor->name()};
  }

  BlockTableKey key() const {
    const Machine machine = read_machine(core_);
    return {model_->network().name, "f32",    model_->isa(),    machine.cpu_model,
            machine.logical_cpus,   core_,    machine.governor, machine.frequency_khz,
            LIMBER_VERSION,         utc_now()};
  }

  const MeasureBlocksOptions& options_;
  std::shared_ptr<const Model> model_;
  std::unique_ptr<Session> session_;
  std::vector<Runner> runners_;
  std::map<std::string, Samples> times_;  // by shape; addresses stay
  std::vector<uint8_t> pixels_;
  std::vector<float> answers_;
  Runner* running_ = nullptr;  // whose blocks are being timed
  int active_ = 0, core_ = 0;
};

}  // namespace

BlockTable measure_blocks(const Network& network, const MeasureBlocksOptions& options) {
  return Measurement(network, options).run();
}

}  // namespace limber
