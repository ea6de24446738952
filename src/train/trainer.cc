// SPDX-License-Identifier: Apache-2.0
#include "train/trainer.h"

#include <ATen/Context.h>
#include <malloc.h>

#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/atomic_file.h"
#include "base/error.h"
#include "formats/model_file.h"
#include "network/check.h"
#include "train/finished_model.h"
#include "train/leaves.h"
#include "train/tensors.h"

namespace limber::train {
namespace {

using torch::Tensor;

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// libtorch allocates and frees the same large blocks for every batch; without this each one is mapped and cleared anew.
void set_up_torch(int threads) {
  mallopt(M_MMAP_THRESHOLD, 1 << 30);
  mallopt(M_TRIM_THRESHOLD, 2147483647);
  mallopt(M_TOP_PAD, 256 << 20);
  at::set_num_threads(threads);
  at::globalContext().setFlushDenormal(true);
}

class Trainer {
 public:
  Trainer(const Recipe& recipe, const Graph& graph, const TrainingData& data, const TrainOptions& options)
      : recipe_(recipe), graph_(graph), data_(data), options_(options), bf16_(recipe.precision == Precision::kBf16) {
    for (const RecipeMember& member : recipe.members) choices_.push_back(parse_choice(graph.space, member.choice));
    steps_ = plan_steps(graph, choices_);
    check_data();
    shapes_ = tensor_shapes(graph, steps_);
    if (!recipe.start.empty()) {
      start_ = read_model(recipe.start);
      note(fmt::format("new groups start from {} where it has a tensor of the same name", recipe.start));
    }
    for (const auto& [name, shape] : shapes_) weights_[name] = channels_last(torch::zeros(shape));
    for (const Node& node : graph.nodes) {
      if (node.norm && weights_.count(node.norm->weight) != 0) {
        weights_[node.norm->weight].fill_(1);
        weights_[node.norm->variance].fill_(1);
      }
    }
    leaves_.emplace(recipe, graph, steps_, weights_, start_ ? &*start_ : nullptr);
  }

  TrainResult run() {
    set_up_torch(options_.threads);
    resume();
    TrainResult result;
    while (state_.step < static_cast<int64_t>(steps_.size())) {
      if (!train_step()) {
        save();
        result.records = state_.records;
        return result;
      }
    }
    result.finished = true;
    result.records = state_.records;
    if (!options_.finish) return result;
    result.network = finished_model(recipe_, graph_, steps_, choices_, weights_, data_, options_);
    result.network.training_record = record_text();
    return result;
  }

 private:
  void note(const std::string& text) const {
    if (options_.note) options_.note(text);
  }

  void check_data() const {
    const SubNode& input = steps_.front().network.nodes.front();
    const SubNode& answer = steps_.front().network.of(steps_.front().answer);
    for (const Images* images : {&data_.train, &data_.validation}) {
      if (images->channels != input.channels || images->height != input.height.constant ||
          images->width != input.width) {
        fail(ErrorCode::kInvalidArgument,
             "{}: data set '{}' has images of {}x{}x{} (channels, height, width); network '{}' takes {}x{}x{}",
             recipe_.path, images->name, images->channels, images->height, images->width, graph_.name, input.channels,
             input.height.constant, input.width);
      }
      if (static_cast<int64_t>(images->classes.size()) != answer.channels) {
        fail(ErrorCode::kInvalidArgument, "{}: data set '{}' has {} classes; network '{}' answers with {}",
             recipe_.path, images->name, images->classes.size(), graph_.name, answer.channels);
      }
    }
    if (static_cast<int64_t>(recipe_.mean.size()) != input.channels)
      fail(ErrorCode::kBadFile, "{}: data.mean has {} values for {} channels", recipe_.path, recipe_.mean.size(),
           input.channels);
    if (data_.train.count < recipe_.batch)
      fail(ErrorCode::kBadFile, "{}: training.batch is {}, but there are only {} training images", recipe_.path,
           recipe_.batch, data_.train.count);
  }

  const Step& step() const { return steps_[static_cast<std::size_t>(state_.step)]; }

  // False when stopped. Begins or goes on wherever state_ says.
  bool train_step() {
    if (resumed_)
      leaves_->restore(state_.step, momenta_);
    else
      leaves_->make(state_.step);
    resumed_ = false;
    const int64_t epochs = recipe_.epochs[static_cast<std::size_t>(state_.step)];
    while (state_.epoch < epochs) {
      if (!train_epoch(epochs)) return false;
    }
    if (recipe_.keep == Keep::kBest) {
      for (const auto& [name, tensor] : best_) weights_.at(name).copy_(tensor);
      best_.clear();
    }
    if (recipe_.scale == Scale::kFitted && state_.step > 0 && epochs > 0) scale_answer();
    leaves_->clear();
    ++state_.step;
    state_.epoch = 0;
    state_.best = -1;
    save();
    return true;
  }

  bool train_epoch(int64_t epochs) {
    const auto seed = static_cast<uint64_t>(recipe_.seed);
    const auto step_number = static_cast<uint64_t>(state_.step), epoch = static_cast<uint64_t>(state_.epoch);
    const std::vector<int64_t> order = shuffled(data_.train.count, mix(seed, step_number, epoch, ~uint64_t{0}));
    const int64_t batches = data_.train.count / recipe_.batch;
    double started = now();
    const int64_t first = state_.batch;
    double rate = 0;
    for (; state_.batch < batches; ++state_.batch) {
      if (options_.stop && options_.stop()) {
        state_.seconds += now() - started;
        leaves_->copy_to_weights();
        return false;
      }
      const double done =
          static_cast<double>(state_.epoch * batches + state_.batch) / static_cast<double>(epochs * batches);
      rate = learning_rate_at(recipe_, done);
      Random random(mix(seed, step_number, epoch, static_cast<uint64_t>(state_.batch)));
      const bool alone = state_.step > 0 && done < recipe_.join;
      state_.loss_sum +=
          train_batch(&order[static_cast<std::size_t>(state_.batch * recipe_.batch)], random, rate, alone);
      if (options_.progress) {
        const auto made = static_cast<double>(state_.batch - first + 1);
        options_.progress({recipe_.members[static_cast<std::size_t>(state_.step)].name, state_.step,
                           static_cast<int64_t>(steps_.size()), state_.epoch, epochs, state_.batch, batches,
                           state_.loss_sum / static_cast<double>(state_.batch + 1), rate,
                           made * static_cast<double>(recipe_.batch) / (now() - started)});
      }
    }
    leaves_->copy_to_weights();
    const Answers answers = answer_all(recipe_, graph_, step(), weights_, data_.validation, bf16_);
    EpochRecord record;
    record.step = state_.step;
    record.epoch = state_.epoch;
    record.member = recipe_.members[static_cast<std::size_t>(state_.step)].name;
    record.loss = state_.loss_sum / static_cast<double>(batches);
    record.learning_rate = rate;
    record.validation_own = answers.own_accuracy();
    record.validation = answers.accuracy();
    record.seconds = state_.seconds + now() - started;
    state_.records.push_back(record);
    if (recipe_.keep == Keep::kBest && record.validation > state_.best) {
      state_.best = record.validation;
      best_.clear();
      for (const std::string& name : leaves_->trained_names()) best_[name] = weights_.at(name).clone();
    }
    ++state_.epoch;
    state_.batch = 0;
    state_.loss_sum = state_.seconds = 0;
    save();
    if (options_.epoch_done) options_.epoch_done(record);
    return true;
  }

  // How much the new groups' answer should count beside the frozen ones is only known when it is trained.
  void scale_answer() {
    const double scale = best_scale(answer_all(recipe_, graph_, step(), weights_, data_.validation, bf16_));
    leaves_->scale_answer(scale);
    EpochRecord& record = state_.records.back();
    record.scale = scale;
    record.validation = answer_all(recipe_, graph_, step(), weights_, data_.validation, bf16_).accuracy();
    note(fmt::format("{}: the new groups' answer counts {:.2f} times: {:.2f} % of the validation images", record.member,
                     scale, 100 * record.validation));
  }

  double train_batch(const int64_t* indices, Random& random, double rate, bool alone) {
    Tensor labels;
    const Tensor x = to_batch(recipe_, data_.train, indices, recipe_.batch, &random, labels);
    const Tensors leaves = leaves_->values();
    Interpreter net(graph_, step(), weights_, leaves, true, bf16_, alone);
    net.start(x);
    const auto entropy = [&](const Tensor& logits) {
      return torch::nn::functional::cross_entropy(
          logits, labels, torch::nn::functional::CrossEntropyFuncOptions().label_smoothing(recipe_.label_smoothing));
    };
    const Tensor own = net.own();
    const Tensor before = recipe_.loss == Loss::kOwn || alone ? Tensor() : net.frozen();
    const double share = recipe_.loss == Loss::kSum ? 1.0 : 1.0 / static_cast<double>(state_.step + 1);
    Tensor loss = before.defined() ? entropy((own + before) * share) : entropy(own);
    if (before.defined() && recipe_.loss == Loss::kMixed) loss = (loss + entropy(own)) * 0.5;
    loss.backward();
    leaves_->update(rate);
    const double value = loss.item<double>();
    if (!std::isfinite(value)) {
      fail(ErrorCode::kInvalidArgument,
           "{}: the loss is not finite any more (member {}, epoch {}, batch {}); lower training.learning_rate (now {})",
           recipe_.path, recipe_.members[static_cast<std::size_t>(state_.step)].name, state_.epoch + 1, state_.batch,
           recipe_.learning_rate);
    }
    return value;
  }

  void save() {
    if (options_.checkpoint.empty()) return;
    state_.recipe = recipe_.text;
    state_.data_hash = data_.train.hash;
    state_.tensors.clear();
    for (const auto& [name, tensor] : weights_) state_.tensors[name] = to_values(tensor);
    for (const Leaf& leaf : leaves_->all()) state_.tensors["momentum/" + leaf.name] = to_values(leaf.momentum);
    for (const auto& [name, tensor] : best_) state_.tensors["best/" + name] = to_values(tensor);
    write_checkpoint(state_, options_.checkpoint);
    std::string log;
    for (const EpochRecord& record : state_.records) {
      log += nlohmann::json({{"member", record.member},
                             {"epoch", record.epoch + 1},
                             {"loss", record.loss},
                             {"learning_rate", record.learning_rate},
                             {"validation_own", record.validation_own},
                             {"validation", record.validation},
                             {"scale", record.scale},
                             {"seconds", record.seconds}})
                 .dump() +
             "\n";
    }
    AtomicFile file(options_.checkpoint + ".jsonl");
    file.write(log);
    file.commit();
  }

  void resume() {
    if (options_.checkpoint.empty() || options_.restart || !std::filesystem::exists(options_.checkpoint)) return;
    state_ = read_checkpoint(options_.checkpoint);
    if (state_.recipe != recipe_.text || state_.data_hash != data_.train.hash) {
      fail(ErrorCode::kInvalidArgument,
           "{}: this checkpoint was made with another {}; put it back, or start over with --restart",
           options_.checkpoint, state_.recipe != recipe_.text ? "recipe" : "data set");
    }
    for (const auto& [name, values] : state_.tensors) {
      if (name.starts_with("momentum/"))
        momenta_[name.substr(9)] = to_torch(values);
      else if (name.starts_with("best/"))
        best_[name.substr(5)] = to_torch(values);
      else if (weights_.count(name) == 0 || shapes_.at(name) != values.shape)
        fail(ErrorCode::kBadFile, "{}: tensor '{}' does not belong to network '{}'; start over with --restart",
             options_.checkpoint, name, graph_.name);
      else
        weights_.at(name).copy_(to_torch(values));
    }
    if (state_.step < static_cast<int64_t>(steps_.size())) {
      resumed_ = !momenta_.empty();
      note(fmt::format("resuming {} at member {}, epoch {}, batch {}", options_.checkpoint,
                       recipe_.members[static_cast<std::size_t>(state_.step)].name, state_.epoch + 1, state_.batch));
    } else {
      note(fmt::format("{}: all epochs are done, only the model file is written", options_.checkpoint));
    }
  }

  std::string record_text() const {
    nlohmann::json record = {{"recipe", recipe_.text},
                             {"seed", recipe_.seed},
                             {"date", options_.date},
                             {"libtorch", torch_version()},
                             {"data", data_.train.name},
                             {"data_hash", data_.train.hash},
                             {"training_images", data_.train.count},
                             {"steps", nlohmann::json::array()}};
    if (start_) record["start"] = {{"name", start_->name}, {"hash", start_->hash}};
    for (std::size_t i = 0; i < steps_.size(); ++i) {
      double seconds = 0;
      for (const EpochRecord& epoch : state_.records)
        seconds += epoch.step == static_cast<int64_t>(i) ? epoch.seconds : 0;
      record["steps"].push_back(
          {{"member", recipe_.members[i].name}, {"epochs", recipe_.epochs[i]}, {"seconds", std::round(seconds)}});
    }
    return record.dump();
  }

  const Recipe& recipe_;
  const Graph& graph_;
  const TrainingData& data_;
  const TrainOptions& options_;
  bool bf16_;
  std::vector<Choice> choices_;
  std::vector<Step> steps_;
  std::map<std::string, std::vector<int64_t>> shapes_;
  Tensors weights_, momenta_, best_;
  std::optional<Network> start_;
  std::optional<Leaves> leaves_;
  Checkpoint state_;
  bool resumed_ = false;
};

}  // namespace

TrainResult train(const Recipe& recipe, const Graph& graph, const TrainingData& data, const TrainOptions& options) {
  try {
    return Trainer(recipe, graph, data, options).run();
  } catch (const c10::Error& error) {
    fail(ErrorCode::kInternal, "libtorch: {}", error.what_without_backtrace());
  }
}

}  // namespace limber::train
