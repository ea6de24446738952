// SPDX-License-Identifier: Apache-2.0
#include "train/incremental.h"

#include <algorithm>

#include "base/error.h"
#include "train/finished_model.h"

namespace limber::train {

using torch::Tensor;

IncrementalLearner::IncrementalLearner(const Recipe& recipe, const Graph& graph, const TrainingData& data,
                                       const TrainOptions& options, const Network* start)
    : recipe_(recipe), graph_(graph), data_(data), options_(options), bf16_(recipe.precision == Precision::kBf16) {
  for (const RecipeMember& member : recipe.members) choices_.push_back(parse_choice(graph.space, member.choice));
  steps_ = plan_steps(graph, choices_);
  check_data(recipe, graph, steps_.front(), data, false);
  weights_ = blank_weights(graph, tensor_shapes(graph, steps_));
  move_to(device_named(options.device), weights_);
  leaves_.emplace(recipe, graph, steps_, weights_, start);
}

double IncrementalLearner::learning_rate(int64_t, double done) const {
  return learning_rate_at(recipe_.learning_rate, recipe_.warm_up, recipe_.schedule, done);
}

void IncrementalLearner::begin(int64_t phase) {
  step_ = phase;
  leaves_->make(phase);
}

void IncrementalLearner::restore(int64_t phase, const Tensors& state) {
  restore_weights(state, weights_, recipe_);
  step_ = phase;
  Tensors momenta;
  for (const auto& [name, tensor] : state) {
    if (name.starts_with("momentum/")) momenta[name.substr(9)] = tensor;
    if (name.starts_with("best/")) best_[name.substr(5)] = tensor;
  }
  if (!momenta.empty()) leaves_->restore(phase, momenta);
}

Tensors IncrementalLearner::state() {
  leaves_->copy_to_weights();
  Tensors state = weights_;
  for (const Leaf& leaf : leaves_->all()) state["momentum/" + leaf.name] = leaf.momentum;
  for (const auto& [name, tensor] : best_) state["best/" + name] = tensor;
  return state;
}

double IncrementalLearner::learn(const Tensor& x, const Tensor& labels, const Place& place) {
  const bool alone = step_ > 0 && place.done < recipe_.join;
  const Tensors leaves = values_of(leaves_->all());
  Interpreter net(graph_, step(), weights_, leaves, Statistics::kTracked, bf16_, alone);
  net.start(x);
  const auto entropy = [&](const Tensor& logits) {
    return torch::nn::functional::cross_entropy(
        logits, labels, torch::nn::functional::CrossEntropyFuncOptions().label_smoothing(recipe_.label_smoothing));
  };
  const Tensor own = net.own();
  const Tensor before = recipe_.loss == Loss::kOwn || alone ? Tensor() : net.frozen();
  const double share = recipe_.loss == Loss::kSum ? 1.0 : 1.0 / static_cast<double>(step_ + 1);
  Tensor loss = before.defined() ? entropy((own + before) * share) : entropy(own);
  if (before.defined() && recipe_.loss == Loss::kMixed) loss = (loss + entropy(own)) * 0.5;
  loss.backward();
  update(leaves_->all(), recipe_, place.rate);
  const double value = loss.item<double>();
  require_finite(value, recipe_, "member " + phase_name(step_), place.epoch, place.batch, recipe_.learning_rate);
  return value;
}

void IncrementalLearner::judge(EpochRecord& record, const std::vector<EpochRecord>& earlier) {
  leaves_->copy_to_weights();
  const Answers answers = answer_all(recipe_, graph_, step(), weights_, data_.validation, bf16_);
  record.validation_own = answers.own_accuracy();
  record.validation = answers.accuracy();
  if (recipe_.keep != Keep::kBest) return;
  const bool best = std::none_of(earlier.begin(), earlier.end(), [&](const EpochRecord& other) {
    return other.step == record.step && other.validation >= record.validation;
  });
  if (!best) return;
  best_.clear();
  for (const std::string& name : leaves_->trained_names()) best_[name] = weights_.at(name).clone();
}

void IncrementalLearner::end(int64_t phase, EpochRecord* last) {
  leaves_->copy_to_weights();
  for (const auto& [name, tensor] : best_) weights_.at(name).copy_(tensor);
  best_.clear();
  if (recipe_.scale == Scale::kFitted && phase > 0 && last != nullptr) scale_answer(*last);
  leaves_->clear();
}

// How much the new groups' answer should count beside the frozen ones is only known when it is trained.
void IncrementalLearner::scale_answer(EpochRecord& record) {
  const double scale = best_scale(answer_all(recipe_, graph_, step(), weights_, data_.validation, bf16_));
  leaves_->scale_answer(scale);
  record.scale = scale;
  record.validation = answer_all(recipe_, graph_, step(), weights_, data_.validation, bf16_).accuracy();
  if (options_.note)
    options_.note(fmt::format("{}: the new groups' answer counts {:.2f} times: {:.2f} % of the validation images",
                              record.member, scale, 100 * record.validation));
}

Network IncrementalLearner::finish() {
  torch::NoGradGuard guard;
  move_to(torch::kCPU, weights_);
  Network network = blank_network(recipe_, graph_, data_);
  add_tensors(network, weights_);
  const Images test = data_.test();
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    Member member;
    member.name = recipe_.members[i].name;
    member.choice = choices_[i];
    for (const auto& [images, split] : {std::pair{&data_.validation, "validation"}, std::pair{&test, "test"}}) {
      const double top1 = answer_all(recipe_, graph_, steps_[i], weights_, *images, false).accuracy();
      add_accuracy(member, *images, split, top1, options_);
    }
    network.family.push_back(std::move(member));
  }
  return network;
}

}  // namespace limber::train
