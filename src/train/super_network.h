// SPDX-License-Identifier: Apache-2.0
// A super-network: every update trains some sub-networks of the design space, which share all weights. Includes torch.
// Layer: train.
#pragma once
#include "train/parameters.h"
#include "train/training.h"

namespace limber::train {

// The means and variances of one sub-network's normalisation, by tensor name, for its channels only.
using MemberStatistics = Tensors;

// Measures them: the mean over batches of `count` training images, without augmentation. A sub-network answers well
// only with its own: those of another one, or running ones, mix activations of different networks (US-Nets).
MemberStatistics measure_statistics(const Recipe& recipe, const Graph& graph, const Choice& choice,
                                    const Tensors& weights, const Images& images, int64_t count, bool bf16);

// Top-1 with these statistics.
double accuracy_with(const Recipe& recipe, const Graph& graph, const Choice& choice, const Tensors& weights,
                     const MemberStatistics& statistics, const Images& images, bool bf16);

class SuperNetworkLearner : public Learner {
 public:
  // All borrowed; start: nullptr, or the network of Recipe::start; processes: nullptr for one.
  SuperNetworkLearner(const Recipe& recipe, const Graph& graph, const TrainingData& data, const TrainOptions& options,
                      const Network* start, Processes* processes);

  int64_t phases() const override { return static_cast<int64_t>(recipe_.phases.size()); }
  std::string phase_name(int64_t phase) const override { return phase_at(phase).name; }
  int64_t epochs(int64_t phase) const override { return phase_at(phase).epochs; }
  double learning_rate(int64_t phase, double done) const override;
  void begin(int64_t phase) override;
  void restore(int64_t phase, const Tensors& state) override;
  Tensors state() override;
  double learn(const torch::Tensor& x, const torch::Tensor& labels, const Place& place) override;
  void judge(EpochRecord& record, const std::vector<EpochRecord>& earlier) override;
  void end(int64_t phase, EpochRecord* last) override;
  Network finish() override;

  std::vector<Leaf>& leaves() { return leaves_; }

 private:
  const RecipePhase& phase_at(int64_t phase) const { return recipe_.phases[static_cast<std::size_t>(phase)]; }
  void make_weights(const Network* start);
  void make_leaves();

  const Recipe& recipe_;
  const Graph& graph_;
  const TrainingData& data_;
  const TrainOptions& options_;
  Processes* processes_;
  bool bf16_;
  std::vector<DesignSpace> spaces_;  // by phase
  std::vector<Choice> choices_;      // of the members
  Tensors weights_;                  // the leaves share their memory
  Tensors teacher_;                  // Teacher::kPrevious: the weights as the phase found them; else empty
  std::vector<Leaf> leaves_;         // empty between phases
  int64_t phase_ = 0;
};

}  // namespace limber::train
