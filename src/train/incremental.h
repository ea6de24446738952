// SPDX-License-Identifier: Apache-2.0
// Channel groups, trained one after another: one step per member, everything trained before is frozen. Includes torch.
// Layer: train.
#pragma once
#include "train/leaves.h"
#include "train/training.h"

namespace limber::train {

class IncrementalLearner : public Learner {
 public:
  // All borrowed; start: nullptr, or the network of Recipe::start.
  IncrementalLearner(const Recipe& recipe, const Graph& graph, const TrainingData& data, const TrainOptions& options,
                     const Network* start);

  int64_t phases() const override { return static_cast<int64_t>(steps_.size()); }
  std::string phase_name(int64_t phase) const override { return recipe_.members[static_cast<std::size_t>(phase)].name; }
  int64_t epochs(int64_t phase) const override { return recipe_.epochs[static_cast<std::size_t>(phase)]; }
  double learning_rate(int64_t phase, double done) const override;
  void begin(int64_t phase) override;
  void restore(int64_t phase, const Tensors& state) override;
  Tensors state() override;
  double learn(const torch::Tensor& x, const torch::Tensor& labels, const Place& place) override;
  void judge(EpochRecord& record, const std::vector<EpochRecord>& earlier) override;
  void end(int64_t phase, EpochRecord* last) override;
  Network finish() override;

 private:
  const Step& step() const { return steps_[static_cast<std::size_t>(step_)]; }
  void scale_answer(EpochRecord& record);

  const Recipe& recipe_;
  const Graph& graph_;
  const TrainingData& data_;
  const TrainOptions& options_;
  bool bf16_;
  std::vector<Choice> choices_;
  std::vector<Step> steps_;
  Tensors weights_, best_;
  std::optional<Leaves> leaves_;
  int64_t step_ = 0;
};

}  // namespace limber::train
