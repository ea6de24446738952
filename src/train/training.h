// SPDX-License-Identifier: Apache-2.0
// What every kind of training shares: epochs and batches in an order that follows from the seed, checkpoints, resuming,
// the log. Includes torch. Layer: train.
#pragma once
#include <optional>
#include <string>

#include "train/checkpoint.h"
#include "train/processes.h"
#include "train/tensors.h"
#include "train/trainer.h"

namespace limber::train {

// Where a training is. `seed` is this batch's own.
struct Place {
  int64_t phase = 0, epoch = 0, epochs = 0, batch = 0, batches = 0;
  uint64_t seed = 0;
  double done = 0;  // 0..1 of the phase
  double rate = 0;
};

// One kind of training: what its phases are, and how a batch is learnt. Not thread-safe; used by one Training.
class Learner {
 public:
  virtual ~Learner() = default;
  virtual int64_t phases() const = 0;
  virtual std::string phase_name(int64_t phase) const = 0;
  virtual int64_t epochs(int64_t phase) const = 0;
  virtual double learning_rate(int64_t phase, double done) const = 0;

  virtual void begin(int64_t phase) = 0;
  // Goes on within a phase that begin() began: `state` is what state() gave then. After the last phase: the weights.
  virtual void restore(int64_t phase, const Tensors& state) = 0;
  // All that a checkpoint needs, by name; the same names whenever the same phase is under way. May share memory.
  virtual Tensors state() = 0;
  // One update with the images x. Returns the loss; fails when it is not finite.
  virtual double learn(const torch::Tensor& x, const torch::Tensor& labels, const Place& place) = 0;
  // After an epoch: fills in the accuracies on the validation split. earlier: all records before this one.
  virtual void judge(EpochRecord& record, const std::vector<EpochRecord>& earlier) = 0;
  virtual void end(int64_t phase, EpochRecord* last) = 0;  // last: the phase's last record, nullptr without epochs
  // The model's content without its training record.
  virtual Network finish() = 0;
};

// Trains to the end, or until stopped. start: the network of Recipe::start, for the record. processes: nullptr for one.
TrainResult run_training(const Recipe& recipe, const Graph& graph, const TrainingData& data,
                         const TrainOptions& options, const Network* start, Learner& learner, Processes* processes);

// Fails (naming recipe and data set) unless images and graph fit. any_size: images are resized to the input.
void check_data(const Recipe& recipe, const Graph& graph, const Step& step, const TrainingData& data, bool any_size);

// Zeros by name, ones for the scale and variance of normalisation.
Tensors blank_weights(const Graph& graph, const std::map<std::string, std::vector<int64_t>>& shapes);

// A checkpoint's tensors without prefix into `weights`; fails when one does not belong there.
void restore_weights(const Tensors& state, Tensors& weights, const Recipe& recipe);

}  // namespace limber::train
