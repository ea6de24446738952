// SPDX-License-Identifier: Apache-2.0
#include "train/training.h"

#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/atomic_file.h"
#include "base/error.h"

namespace limber::train {
namespace {

using torch::Tensor;

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

class Training {
 public:
  Training(const Recipe& recipe, const Graph& graph, const TrainingData& data, const TrainOptions& options,
           Learner& learner, Processes* processes)
      : recipe_(recipe),
        graph_(graph),
        data_(data),
        options_(options),
        learner_(learner),
        processes_(processes),
        leads_(processes == nullptr || processes->rank() == 0) {}

  TrainResult run(const Network* start) {
    resume();
    TrainResult result;
    try {
      while (state_.step < learner_.phases()) {
        if (train_phase()) continue;
        save();
        result.records = state_.records;
        return result;
      }
    } catch (const LostProcess&) {  // nothing of the batch that was under way has been applied
      save();
      throw;
    }
    result.finished = true;
    result.records = state_.records;
    if (!options_.finish || !leads_) return result;
    result.network = learner_.finish();
    result.network.training_record = record_text(start);
    return result;
  }

 private:
  void note(const std::string& text) const {
    if (options_.note) options_.note(text);
  }

  // False when stopped. Begins or goes on wherever state_ says.
  bool train_phase() {
    if (!resumed_) learner_.begin(state_.step);
    resumed_ = false;
    const int64_t epochs = learner_.epochs(state_.step);
    while (state_.epoch < epochs) {
      if (!train_epoch(epochs)) return false;
    }
    learner_.end(state_.step, epochs > 0 && leads_ ? &state_.records.back() : nullptr);
    ++state_.step;
    state_.epoch = 0;
    save();
    return true;
  }

  bool stop_asked() const { return options_.stop && options_.stop(); }

  bool train_epoch(int64_t epochs) {
    const auto seed = static_cast<uint64_t>(recipe_.seed);
    const auto phase = static_cast<uint64_t>(state_.step), epoch = static_cast<uint64_t>(state_.epoch);
    const std::vector<int64_t> order = shuffled(data_.train.count, mix(seed, phase, epoch, ~uint64_t{0}));
    const int64_t batches = data_.train.count / recipe_.batch, first = state_.batch;
    const double started = now();
    Place place{state_.step, state_.epoch, epochs, 0, batches, 0, 0, 0};
    for (; state_.batch < batches; ++state_.batch) {
      if (processes_ != nullptr ? processes_->any(stop_asked()) : stop_asked()) {
        state_.seconds += now() - started;
        return false;
      }
      place.batch = state_.batch;
      place.seed = mix(seed, phase, epoch, static_cast<uint64_t>(state_.batch));
      place.done = static_cast<double>(state_.epoch * batches + state_.batch) / static_cast<double>(epochs * batches);
      place.rate = learner_.learning_rate(state_.step, place.done);
      state_.loss_sum += train_batch(&order[static_cast<std::size_t>(state_.batch * recipe_.batch)], place);
      if (options_.progress) {
        const auto made = static_cast<double>(state_.batch - first + 1);
        options_.progress({learner_.phase_name(state_.step), state_.step, learner_.phases(), state_.epoch, epochs,
                           state_.batch, batches, state_.loss_sum / static_cast<double>(state_.batch + 1), place.rate,
                           made * static_cast<double>(recipe_.batch) / (now() - started)});
      }
    }
    EpochRecord record;
    record.step = state_.step;
    record.epoch = state_.epoch;
    record.member = learner_.phase_name(state_.step);
    record.loss = state_.loss_sum / static_cast<double>(batches);
    record.learning_rate = place.rate;
    record.by = fmt::format("libtorch {}, {}", torch_version(), options_.device);
    if (leads_) {
      learner_.judge(record, state_.records);
      record.seconds = state_.seconds + now() - started;
      state_.records.push_back(record);
    }
    ++state_.epoch;
    state_.batch = 0;
    state_.loss_sum = state_.seconds = 0;
    save();
    if (options_.epoch_done && leads_) options_.epoch_done(record);
    return true;
  }

  double train_batch(const int64_t* indices, const Place& place) {
    Random random(place.seed);
    Tensor labels;
    Tensor x = to_batch(recipe_, data_.train, indices, recipe_.batch, &random, device_named(options_.device), labels);
    if (processes_ != nullptr) {  // everybody draws the whole batch's augmentation and takes a part
      const int64_t part = recipe_.batch / processes_->size();
      x = x.narrow(0, processes_->rank() * part, part);
      labels = labels.narrow(0, processes_->rank() * part, part);
    }
    return learner_.learn(x, labels, place);
  }

  void save() {
    if (options_.checkpoint.empty() || !leads_) return;
    state_.recipe = recipe_.text;
    state_.data_hash = data_.train.hash;
    state_.tensors.clear();
    for (const auto& [name, tensor] : learner_.state()) state_.tensors[name] = to_values(tensor);
    write_checkpoint(state_, options_.checkpoint);
    std::string log;
    for (const EpochRecord& record : state_.records) log += to_json_text(record) + "\n";
    AtomicFile file(options_.checkpoint + ".jsonl");
    file.write(log);
    file.commit();
  }

  void resume() {
    const bool there =
        leads_ && !options_.checkpoint.empty() && !options_.restart && std::filesystem::exists(options_.checkpoint);
    if (there) read_state();
    if (processes_ == nullptr) return;
    Tensor place = torch::tensor({state_.step, state_.epoch, state_.batch, int64_t{resumed_}});
    processes_->from_first(place);
    state_.step = place[0].item<int64_t>();
    state_.epoch = place[1].item<int64_t>();
    state_.batch = place[2].item<int64_t>();
    const bool under_way = place[3].item<int64_t>() != 0;
    if (!leads_ && under_way) {  // begun like the first one's, then overwritten by it
      learner_.begin(state_.step);
      resumed_ = true;
    }
    for (auto& [name, tensor] : learner_.state()) processes_->from_first(tensor);  // the first weights too
  }

  void read_state() {
    state_ = read_checkpoint(options_.checkpoint);
    if (state_.recipe != recipe_.text || state_.data_hash != data_.train.hash) {
      fail(ErrorCode::kInvalidArgument,
           "{}: this checkpoint was made with another {}; put it back, or start over with --restart",
           options_.checkpoint, state_.recipe != recipe_.text ? "recipe" : "data set");
    }
    Tensors tensors;
    for (const auto& [name, values] : state_.tensors) {
      tensors[name] = to_torch(values);
      resumed_ = resumed_ || name.starts_with("momentum/");
    }
    try {
      learner_.restore(state_.step, tensors);
    } catch (const Error& error) {
      fail(ErrorCode::kBadFile, "{}: {}; start over with --restart", options_.checkpoint, error.what());
    }
    if (state_.step < learner_.phases()) {
      note(fmt::format("resuming {} at {}, epoch {}, batch {}", options_.checkpoint, learner_.phase_name(state_.step),
                       state_.epoch + 1, state_.batch));
    } else {
      note(fmt::format("{}: all epochs are done, only the model file is written", options_.checkpoint));
    }
  }

  std::string record_text(const Network* start) const {
    nlohmann::json record = {{"recipe", recipe_.text},          {"seed", recipe_.seed},
                             {"date", options_.date},           {"data", data_.train.name},
                             {"data_hash", data_.train.hash},   {"training_images", data_.train.count},
                             {"steps", nlohmann::json::array()}};
    if (processes_ != nullptr) record["processes"] = processes_->size();
    if (start != nullptr) record["start"] = {{"name", start->name}, {"hash", start->hash}};
    for (int64_t i = 0; i < learner_.phases(); ++i) {
      double seconds = 0;
      std::string by;  // of the last epoch: a training can go on elsewhere
      for (const EpochRecord& epoch : state_.records) {
        if (epoch.step != i) continue;
        seconds += epoch.seconds;
        by = epoch.by;
      }
      record["steps"].push_back({{"member", learner_.phase_name(i)},
                                 {"epochs", learner_.epochs(i)},
                                 {"seconds", std::round(seconds)},
                                 {"by", by}});
    }
    return record.dump();
  }

  const Recipe& recipe_;
  const Graph& graph_;
  const TrainingData& data_;
  const TrainOptions& options_;
  Learner& learner_;
  Processes* processes_;
  bool leads_;  // writes checkpoint, log and model
  Checkpoint state_;
  bool resumed_ = false;  // the learner is in the middle of a phase
};

}  // namespace

TrainResult run_training(const Recipe& recipe, const Graph& graph, const TrainingData& data,
                         const TrainOptions& options, const Network* start, Learner& learner, Processes* processes) {
  return Training(recipe, graph, data, options, learner, processes).run(start);
}

void check_data(const Recipe& recipe, const Graph& graph, const Step& step, const TrainingData& data, bool any_size) {
  const SubNode& input = step.network.nodes.front();
  const SubNode& answer = step.network.of(step.answer);
  for (const Images* images : {&data.train, &data.validation}) {
    const bool fits = any_size || (images->height == input.height.constant && images->width == input.width);
    if (images->channels != input.channels || !fits) {
      fail(ErrorCode::kInvalidArgument,
           "{}: data set '{}' has images of {}x{}x{} (channels, height, width); network '{}' takes {}x{}x{}",
           recipe.path, images->name, images->channels, images->height, images->width, graph.name, input.channels,
           input.height.constant, input.width);
    }
    if (static_cast<int64_t>(images->classes.size()) != answer.channels) {
      fail(ErrorCode::kInvalidArgument, "{}: data set '{}' has {} classes; network '{}' answers with {}", recipe.path,
           images->name, images->classes.size(), graph.name, answer.channels);
    }
  }
  if (static_cast<int64_t>(recipe.mean.size()) != input.channels)
    fail(ErrorCode::kBadFile, "{}: data.mean has {} values for {} channels", recipe.path, recipe.mean.size(),
         input.channels);
  if (data.train.count < recipe.batch)
    fail(ErrorCode::kBadFile, "{}: training.batch is {}, but there are only {} training images", recipe.path,
         recipe.batch, data.train.count);
}

Tensors blank_weights(const Graph& graph, const std::map<std::string, std::vector<int64_t>>& shapes) {
  Tensors weights;
  for (const auto& [name, shape] : shapes) weights[name] = channels_last(torch::zeros(shape));
  for (const Node& node : graph.nodes) {
    if (!node.norm || weights.count(node.norm->weight) == 0) continue;
    weights[node.norm->weight].fill_(1);
    weights[node.norm->variance].fill_(1);
  }
  return weights;
}

void restore_weights(const Tensors& state, Tensors& weights, const Recipe& recipe) {
  torch::NoGradGuard guard;
  for (const auto& [name, tensor] : state) {
    if (name.find('/') != name.npos && weights.count(name) == 0) continue;  // momentum/..., best/..., teacher/...
    const auto found = weights.find(name);
    if (found == weights.end() || found->second.sizes() != tensor.sizes())
      fail(ErrorCode::kBadFile, "tensor '{}' does not belong to the network of {}", name, recipe.path);
    found->second.copy_(tensor);
  }
}

}  // namespace limber::train
