// SPDX-License-Identifier: Apache-2.0
// A recipe: everything a training depends on, read from TOML. docs/training.md explains the keys. Layer: train.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace limber::train {

// What a later step minimises: cross-entropy of the answer of the new groups alone (kOwn: like an ensemble), of the sum
// with the frozen ones (kSum), of that sum divided by the number of steps so far (kMean), or half kOwn and half kMean
// (kMixed).
enum class Loss { kOwn, kSum, kMean, kMixed };
enum class Begin { kRandom, kPrevious };  // what new groups start from: random weights, or a copy of the group before
enum class Scale {
  kOne,
  kFitted
};  // the new groups' answer as trained, or weighted on the validation split at the end
enum class Schedule { kLinear, kCosine };  // how the learning rate falls after the warm-up
// kMuon: for convolutions that normalisation follows, a step in all directions of the gradient alike (Jordan et al.,
// 2024); SGD for everything else.
enum class Optimizer { kSgd, kMuon };
enum class Precision { kFp32, kBf16 };  // of activations and weight copies; master weights are always fp32
enum class Keep { kLast, kBest };  // which epoch's weights a step keeps: the last, or the best on the validation split

// The sub-networks of one update of a super-network: the largest alone; the largest, the smallest and random ones
// (sandwich rule, Yu and Huang 2019); or random ones.
enum class Sample { kLargest, kSandwich, kRandom };
// Whose answers the sub-networks learn besides the labels: nobody's; those of the largest in the same update (in-place
// distillation, Yu and Huang 2019); or those of the largest as it was when the phase began (progressive shrinking, Cai
// et al. 2020).
enum class Teacher { kNone, kLargest, kPrevious };

struct RecipeMember {
  std::string name;    // "25%"
  std::string choice;  // "groups=1"; as Limber's commands take it
};

// [[phase]]: of a super-network's training.
struct RecipePhase {
  std::string name;
  int64_t epochs = 0;
  double learning_rate = 0, warm_up = 0;  // default: those of [training]
  Schedule schedule = Schedule::kLinear;
  Sample sample = Sample::kSandwich;
  int64_t subnets = 4;  // per update
  Teacher teacher = Teacher::kLargest;
  double hard = 0;    // weight of the labels beside the teacher's answers, 0..1
  bool sort = false;  // first put the channels that matter most in front (train/sorting.h)
  std::string space;  // only these choices, a pattern; empty: all
  int64_t line = 0;   // of the recipe
};

struct Recipe {
  std::string path, text;  // where it was read from, and its bytes (for the training record)
  std::string name;        // of the model
  std::string network;     // path of the graph JSON, already relative to the working directory
  std::string start;       // path of a model file whose tensors of the same names new groups start from; empty: none
  // [data]
  std::string data;
  std::vector<float> mean, deviation;  // x = (pixel / 255 - mean) / deviation, one per channel
  bool flip = false;                   // mirror half of the training images
  int64_t shift = 0;                   // move by up to this many pixels, zeros come in
  int64_t cutout = 0;                  // side of a square of zeros, 0: none
  // [training]
  std::vector<int64_t> epochs;  // one per member; 0 only with `start`
  int64_t batch = 128;
  double learning_rate = 0.1, warm_up = 0.2, momentum = 0.9, weight_decay = 5e-4, label_smoothing = 0;
  Schedule schedule = Schedule::kLinear;
  Optimizer optimizer = Optimizer::kSgd;
  double muon_rate = 0.3,
         muon_momentum = 0.6;  // of kMuon: a step's share of the weight's norm, times the learning rate
  Loss loss = Loss::kOwn;
  // For this share of a later step its groups train alone: with their own loss, and (nested wiring) not reading earlier
  // groups, whose weights into them start at zero. So they learn something of their own before they build on what is
  // there.
  double join = 0;
  // kPrevious: training goes on from the group before with a new learning-rate cycle, as in Snapshot Ensembles (Huang
  // et al. 2017): later groups are trained longer in all, and still differ enough for their sum to be better than each.
  Begin begin = Begin::kRandom;
  Scale scale = Scale::kOne;
  Precision precision = Precision::kBf16;
  Keep keep = Keep::kLast;
  int64_t seed = 1;
  int64_t calibration = 2048;         // training images that a sub-network's statistics are measured on
  std::vector<RecipePhase> phases;    // not empty: a super-network, and `epochs` to `keep` above have no meaning
  std::vector<RecipeMember> members;  // ascending; of channel groups each adds groups to the one before
};

// Fails with kBadFile naming file, line, key, what was found and what is legal. Unknown keys are errors.
Recipe read_recipe(const std::string& path);
Recipe parse_recipe(const std::string& text, const std::string& path);

// Learning rate at `done` (0..1) of a step or phase.
double learning_rate_at(double peak, double warm_up, Schedule schedule, double done);

}  // namespace limber::train
