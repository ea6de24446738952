// SPDX-License-Identifier: Apache-2.0
// The state of a training between two batches. Layer: train.
//
// The file is safetensors: F32 tensors, everything else as JSON in the metadata. It is replaced atomically, so a
// training that is killed at any moment leaves a whole checkpoint.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace limber::train {

struct EpochRecord {
  int64_t step = 0, epoch = 0;  // 0-based
  std::string member;
  double loss = 0, learning_rate = 0;         // mean loss of the epoch; rate at its end
  double validation_own = 0, validation = 0;  // top-1 on the validation split: the new groups alone; the member
  double scale = 1;  // of the last epoch of a step: the factor its new groups' answer was multiplied with (Scale)
  double seconds = 0;
  std::string by;                         // "libtorch 1.13.1, cpu"
  std::map<std::string, double> members;  // of a super-network: top-1 on the validation split by member; else empty
};

std::string to_json_text(const EpochRecord& record);  // one line of the log

struct Values {
  std::vector<int64_t> shape;
  std::vector<float> values;
};

struct Checkpoint {
  std::string recipe, data_hash;           // a training goes on only with the same recipe text and the same data
  int64_t step = 0, epoch = 0, batch = 0;  // the next batch to train; step == members: all steps are done
  double loss_sum = 0;                     // over this epoch's batches so far
  double seconds = 0;                      // spent on this epoch so far
  std::vector<EpochRecord> records;
  std::map<std::string, Values> tensors;  // weights by name; "momentum/NAME" and others beside them
};

void write_checkpoint(const Checkpoint& checkpoint, const std::string& path);

// Fails with kNotFound, or kBadFile naming what is wrong with it.
Checkpoint read_checkpoint(const std::string& path);

}  // namespace limber::train
