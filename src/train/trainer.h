// SPDX-License-Identifier: Apache-2.0
// Trains what a recipe describes: channel groups one after another (train/incremental.h), or a super-network
// (train/super_network.h). Layer: train.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "formats/data_set.h"
#include "network/network.h"
#include "train/checkpoint.h"
#include "train/recipe.h"

namespace limber::train {

// The three splits. Training sees `train`; every choice is made on `validation`; `test` is read once, at the very end.
struct TrainingData {
  Images train, validation;
  std::function<Images()> test;  // called when the weights are final
};

struct Progress {
  const std::string& member;                           // or phase
  int64_t step, steps, epoch, epochs, batch, batches;  // 0-based position
  double loss, learning_rate, images_per_second;
};

struct TrainOptions {
  std::string
      checkpoint;  // file; written after each epoch and when stopped; empty: none. The log lies beside it (.jsonl)
  int threads = 1;
  // "cuda": the network is trained on an NVIDIA GPU, where two trainings need not end with the same bits; accuracies
  // and statistics in the model are the engine's own, as always. Not for several processes.
  std::string device = "cpu";
  // Several processes, each with a part of every batch (super-networks). Rank 0 writes checkpoint, log and model.
  int64_t nodes = 1, rank = 0;
  std::string rendezvous;                         // HOST:PORT of rank 0
  double process_timeout_seconds = 1800;          // how long one waits for another
  bool restart = false;                           // ignore an existing checkpoint
  bool finish = true;                             // false: stop after the last epoch, test images unread, no network
  std::string date;                               // for the training record, ISO 8601
  std::function<bool()> stop;                     // asked after each batch; true: write the checkpoint and return
  std::function<void(const Progress&)> progress;  // after each batch
  std::function<void(const EpochRecord&)> epoch_done;  // after each epoch
  std::function<void(const std::string&)> note;        // warnings and news, one line each
};

struct TrainResult {
  bool finished = false;  // false: stopped; the checkpoint holds everything
  // F16 weights, F32 normalisation; accuracies measured with exactly these weights: of both splits, of a super-network
  // of the validation split alone (its family is chosen later, by search). Empty on other ranks than 0.
  Network network;
  std::vector<EpochRecord> records;
};

// Blocks for as long as it takes. One training per process at a time (libtorch's thread count and generator are
// global). The result depends on recipe, data, libtorch and the processor's arithmetic, not on interruptions.
TrainResult train(const Recipe& recipe, const Graph& graph, const TrainingData& data, const TrainOptions& options);

// Answers of one member by libtorch, fp32: logits [images][classes]. For checks of the engine.
std::vector<float> torch_logits(const Network& network, const Member& member, const Images& images);

// GFLOP/s of libtorch's BLAS on a small product; a slow one (reference BLAS) makes linear layers crawl.
double measure_blas();
std::string torch_version();

}  // namespace limber::train
