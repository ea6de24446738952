// SPDX-License-Identifier: Apache-2.0
// Training batches: order and augmentation as pure functions of the seed, so a resumed training sees the same ones.
// Layer: train.
#pragma once
#include <cstdint>
#include <vector>

#include "base/random.h"
#include "formats/data_set.h"
#include "train/recipe.h"

namespace limber::train {

// One seed out of a recipe's seed and a place in the training.
uint64_t mix(uint64_t seed, uint64_t step, uint64_t epoch, uint64_t batch);

// The order of `count` images in one epoch.
std::vector<int64_t> shuffled(int64_t count, uint64_t seed);

// Writes images `indices` as normalised [n][height][width][channels] floats, augmented as the recipe says if `random`
// is given.
void fill_batch(const Recipe& recipe, const Images& images, const int64_t* indices, int64_t n, Random* random,
                float* out, int64_t* labels);

}  // namespace limber::train
